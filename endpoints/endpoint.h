// One end of a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mapwire/endpoints/completion.h"
#include "mapwire/endpoints/memory.h"
#include "mapwire/runtime/error.h"

namespace mapwire {

class Binding;
namespace detail {
class Updater;
}

// What travels with the user's bytes (docs/profiles.md).
enum class Profile : std::uint8_t {
  kPlain,    // nothing: for peers that are not mapwire. A send into no receive is retried, then
             // fails.
  kMapwire,  // a header with sequence and credits: a send into no receive would block at the
             // sender.
};

inline constexpr std::size_t kPrivateDataBytesMax = 4096;

// All endpoints of a context together have 4,194,304 queue entries at the soft NIC, and 65,536 at
// an RDMA device. One takes its receive_entries and, with the mapwire profile, twice its
// send_entries: of the default sizes a context holds 16,384 endpoints, which is also the most that
// it can have to one process, and on a device 341.
struct EndpointOptions {
  Profile profile = Profile::kMapwire;  // the connecting side's counts
  std::uint32_t send_entries = 64;      // powers of two, 2..4096
  std::uint32_t receive_entries = 64;
  // A peer silent for so long, 1 ms to 1 h, fails what is outstanding. 0: what MAPWIRE_DEADLINE
  // says, or 2 s.
  std::uint64_t deadline_ns = 0;
  // Bytes, a power of two 256..4096. 0: what MAPWIRE_PATH_MTU says, or the largest that fits.
  std::uint32_t path_mtu = 0;
  std::vector<std::byte>
      private_data{};  // at most kPrivateDataBytesMax, given to the peer in set-up
};

// How a connection was made.
struct EndpointInfo {
  std::string nic;     // "soft", "verbs"
  std::string wire;    // "shm", "udp", or the device: "rxe0"
  std::string reason;  // why this NIC and wire
  std::string local;   // UDP address
  std::string remote;
  std::uint32_t path_mtu = 0;
  Profile profile = Profile::kMapwire;
  std::string peer_version;  // of mapwire
};

// Threads: any, if the context was created with Threads::kSafe; otherwise the context's thread.
//
// Buffers of a post belong to the NIC until the request completes, except that sends and writes of
// at most kBounceBytes are copied before the post returns; such a buffer must be valid as for
// memcpy.
//
// Every accepted post completes exactly once, in posting order within sends and within receives,
// with a status:
//   kOk               done; a send or write: the peer's NIC has it all
//   kReceiveTooSmall, kLocalProtection, kRemoteInvalidRequest, kRemoteAccess, kRemoteOperational,
//   kRnrRetryExceeded, kBadResponse, kProtocolError
//                     this request failed, and the endpoint with it
//   kRetryExceeded    the peer was silent for deadline_ns, on the data path or on its control link
//   kPeerDead         the peer's process has ended
//   kPeerClosed       the peer closed its endpoint, or it failed there
//   kDeviceFailed     the RDMA device failed, with all endpoints on it
//   kFlushed          given up because an earlier request failed or the endpoint was closed here
// A queue entry is free again when its completion was polled. A post returns
//   kOk               accepted
//   kWouldBlock       queue full, no credits from the peer, a message that goes in pieces is under
//                     way to it (docs/profiles.md), or all memory that may be pinned is in use:
//                     poll, then post again
//   kInvalidArgument  a null buffer of non-zero length, an atomic's target not aligned to 8
//   kMessageTooLong   more than 2^31 bytes (proto::kMessageBytesMax), the profile's header included
//   kEndpointClosed   this endpoint was closed
//   kOutOfMemory, kLimitReached, kInvalidArgument, kSystemCall
//                     the NIC is a device, the buffer lies in no MemoryRegion, and it can not be
//                     registered for this request; to do that costs system calls. A send and a
//                     receive with the mapwire profile need no more room than for a piece.
// and nothing was posted unless it returned kOk.
class Endpoint {
 public:
  class Impl;
  explicit Endpoint(std::shared_ptr<Impl> impl);
  Endpoint(Endpoint&&) noexcept;
  Endpoint& operator=(Endpoint&&) noexcept;
  ~Endpoint();  // close()

  EndpointId id() const;
  EndpointInfo info() const;
  std::span<const std::byte> private_data() const;  // the peer's; valid while the endpoint lives

  // Sends `message` to the next receive the peer posted. An immediate arrives in its completion.
  [[nodiscard]] Code post_send(ConstBuffer message, std::uint64_t cookie,
                               std::optional<std::uint32_t> immediate = std::nullopt);

  // Provides a buffer for the next message. A longer message fails both sides (kReceiveTooSmall
  // here, kRemoteInvalidRequest there) and the connection.
  [[nodiscard]] Code post_receive(MutableBuffer buffer, std::uint64_t cookie);

  // Writes `source` to the peer's memory. With an immediate it also consumes a receive of the peer,
  // whose completion (kReceiveWrite) comes after the bytes.
  [[nodiscard]] Code post_write(ConstBuffer source, RemoteBuffer target, std::uint64_t cookie,
                                std::optional<std::uint32_t> immediate = std::nullopt);

  // Reads target.size() bytes of the peer's memory into `target`.
  [[nodiscard]] Code post_read(MutableBuffer target, RemoteBuffer source, std::uint64_t cookie);

  // The same with several buffers, up to kElementsMax, whose bytes are those of one another after
  // the other: gathered, scattered. kInvalidArgument also if there are more. kLimitReached:
  // together they are more than may be pinned.
  [[nodiscard]] Code post_write(std::span<const ConstBuffer> sources, RemoteBuffer target,
                                std::uint64_t cookie);
  [[nodiscard]] Code post_read(std::span<const MutableBuffer> targets, RemoteBuffer source,
                               std::uint64_t cookie);

  // Atomically replaces the 8 bytes at `target` (aligned to 8) by `swap` if they equal `compare`.
  // What was there before is in `original` on completion.
  [[nodiscard]] Code post_compare_swap(std::uint64_t& original, RemoteBuffer target,
                                       std::uint64_t compare, std::uint64_t swap,
                                       std::uint64_t cookie);

  // Atomically adds `amount` to the 8 bytes at `target` (aligned to 8), modulo 2^64.
  [[nodiscard]] Code post_fetch_add(std::uint64_t& original, RemoteBuffer target,
                                    std::uint64_t amount, std::uint64_t cookie);

  // Ends the connection and tells the peer. Outstanding requests complete with kFlushed; their
  // completions are still to be polled. Their buffers are free when this returns. Idempotent.
  void close();

  // Why the endpoint is dead, or nothing while it lives.
  std::optional<Error> error() const;

 private:
  friend class AsyncContext;
  friend class Binding;
  friend class Window;
  friend class detail::Updater;
  std::shared_ptr<Impl> impl_;
};

inline constexpr std::size_t kBounceBytes = 256;
inline constexpr std::size_t kElementsMax = 3;

}  // namespace mapwire
