// The NIC seam: what mapwire asks of a network interface, whatever stands behind it. The soft NIC
// and the NIC over libibverbs implement it and pass one conformance suite.
//
// Threads: a Nic is owned by one thread at a time; the caller synchronises (endpoints/ holds one
// lock per context). The data path (post_*, poll) neither allocates, locks, logs nor throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mapwire/proto/address.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/clock.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire {

using Qpn = std::uint32_t;

// NicAttributes::name of the kinds there are. They travel in set-up messages.
inline constexpr std::string_view kSoftNic = "soft";
inline constexpr std::string_view kVerbsNic = "verbs";
// The wires of the soft NIC that travel as well.
inline constexpr std::string_view kUdpWire = "udp";
inline constexpr std::string_view kShmWire = "shm";

// What a NIC can do. Constant after creation.
struct NicAttributes {
  std::string name;               // a kind of NIC
  std::string wire;               // "udp", or the device: "rxe0"
  bool shared_memory = false;     // reaches others of its host on the wire kShmWire
  bool reads_any_memory = false;  // kAnyMemoryLkey names all memory of this process
  // A device of another make, which works by itself. It may number QPNs and keys in order
  // (otherwise they are random) and give a region one key for both uses; and it may say
  // kRemoteOperational of a message that found too small a receive (otherwise
  // kRemoteInvalidRequest).
  bool foreign = false;
  std::uint32_t memory_regions_max = 0;
  std::uint32_t queue_pairs_max = 0;
  std::uint32_t queue_entries_max = 0;   // per send or receive queue
  std::uint32_t completion_entries = 0;  // sum of the queue entries of all open queue pairs
  std::uint32_t read_atomic_max = 0;  // outstanding READs and atomics per queue pair and direction
  std::uint32_t path_mtu_max = 0;     // bytes, a power of two 256..4096
};

// Rights of a memory region. The owner may always read it.
struct Access {
  bool local_write = true;
  bool remote_read = false;
  bool remote_write = false;
  bool remote_atomic = false;
  // The memory may be unmapped while it is registered: what a peer then reads or writes there is
  // refused, by a NIC that reads any memory. Not for atomics.
  bool may_go = false;
};

// Keys of a memory region. lkey and rkey differ and are random, unless attributes().foreign.
struct MemoryKeys {
  std::uint32_t lkey = 0;
  std::uint32_t rkey = 0;
};

struct QueuePairOptions {
  std::uint32_t send_entries = 64;  // powers of two
  std::uint32_t receive_entries = 64;
  std::uint32_t protection_domain = 1;  // regions of another domain are out of reach
  // No acknowledged progress for so long: kRetryExceeded. A NIC that its caller drives does not
  // count the time in which nobody does.
  std::uint64_t deadline_ns = 2'000'000'000;
  // Peer without receives for so long: kRnrRetryExceeded.
  std::uint64_t rnr_deadline_ns = 2'000'000'000;
  // Reached at proto::kRocePort, the only port that peers of another make send to.
  bool roce_port = false;
};

// Where a NIC is met by others of its host: an abstract UNIX socket named by `socket`, 0 if there
// is none. Who knows the nonce was told it by the set-up of a connection.
struct SharedMemoryAddress {
  std::uint64_t socket = 0;
  std::uint64_t nonce = 0;
  friend bool operator==(const SharedMemoryAddress&, const SharedMemoryAddress&) = default;
};

// What the other side needs to know of a queue pair to connect to it; travels in set-up messages.
struct QueuePairAddress {
  proto::UdpAddress udp;
  Qpn qpn = 0;
  std::uint32_t first_psn = 0;     // of the first packet this side sends
  std::uint32_t path_mtu_max = 0;  // the largest path MTU the route to the peer allows, 256..4096
  std::uint32_t read_atomic_max = 0;  // READs and atomics this side serves at once
  SharedMemoryAddress shared_memory{};
};

// The two ends of a connection as agreed in set-up.
struct QueuePairPeer {
  QueuePairAddress address;    // the peer's
  std::uint32_t path_mtu = 0;  // the minimum of both sides
  // A NIC of another make: its IPv4 identification is solved for, its source port may differ and
  // the credits in its acknowledgements are believed as they are.
  bool foreign = false;
  // The PSN that the peer expects first, where the peer chooses it (connection_manager.h). Nothing:
  // the one that open_queue_pair said.
  std::optional<std::uint32_t> send_psn{};
};

struct AsyncEvent {
  Qpn qpn = 0;
  Code code = Code::kOk;  // why the queue pair is in error
};

class ConnectionManager;
class TripTable;

// What a poll found.
struct Polled {
  std::size_t completions = 0;  // moved out
  bool events = false;          // poll_async() or the connection manager's poll_events() has some
};

class Nic {
 public:
  Nic() = default;
  Nic(const Nic&) = delete;
  Nic& operator=(const Nic&) = delete;
  virtual ~Nic() = default;

  virtual const NicAttributes& attributes() const = 0;

  // Set-up of connections with peers that are not mapwire; owned by the NIC. Null: this NIC has
  // none.
  virtual ConnectionManager* connection_manager() { return nullptr; }

  // Opens a queue pair that will reach `remote` (its port is ignored) from the local address
  // `local`, and says how the peer addresses it. Errors: kLimitReached (queue pairs or completion
  // entries), kInvalidArgument (entries not a power of two in range), kSystemCall (no route, no
  // port), kMtuMismatch (the route carries no packet of the smallest path MTU), kRocePortInUse
  // (options.roce_port, and another process or the kernel has it).
  virtual std::expected<QueuePairAddress, Error> open_queue_pair(
      const QueuePairOptions& options, const proto::IpAddress& local,
      const proto::IpAddress& remote) = 0;

  // Connects an open queue pair: from now on it sends and receives. Receives may be posted before.
  // Errors: kInvalidArgument (unknown QPN, path MTU not a power of two in 256..4096).
  virtual std::expected<void, Error> connect_queue_pair(Qpn qpn, const QueuePairPeer& peer,
                                                        std::uint64_t now_ns) = 0;

  // The wire that a connected queue pair is on. A NIC with several takes the best that both sides
  // have: shared memory, if the peer's address tells of it and it is of this host.
  virtual std::string_view wire_of(Qpn /*qpn*/) { return attributes().wire; }

  // The user that the process at the other end of a connected queue pair is of, as the kernel says
  // of who made its NIC. Nothing: another host, or a wire of which the kernel knows nothing.
  virtual std::optional<uid_t> user_of(Qpn /*qpn*/) { return {}; }

  // Hands a copy of a file descriptor to the process at the other end of a connected queue pair.
  // Whoever there takes it after a message that was posted later finds it. False: the wire carries
  // none, or has no room.
  virtual bool pass_descriptor(Qpn /*qpn*/, int /*descriptor*/) { return false; }
  // The oldest that the peer has passed to this queue pair; none if there is none.
  virtual UniqueFd take_descriptor(Qpn /*qpn*/) { return {}; }

  // Moves the queue pair to error: every outstanding request completes with `reason`, later posts
  // with kFlushed. No effect on an unknown QPN or a queue pair in error. (A queue pair that fails
  // by itself completes the request that failed with the cause and all others with kFlushed.)
  virtual void flush_queue_pair(Qpn qpn, Code reason) = 0;

  // Frees the queue pair. Requests still outstanding are dropped and never complete; buffers are
  // free for reuse when it returns. Completions already in the completion queue are still
  // delivered.
  virtual void close_queue_pair(Qpn qpn) = 0;

  // Makes `memory` reachable under new keys. It must stay mapped until deregister_memory returns,
  // unless access.may_go.
  // Errors: kInvalidArgument (empty), kLimitReached, kOutOfMemory.
  virtual std::expected<MemoryKeys, Error> register_memory(std::span<std::byte> memory,
                                                           Access access,
                                                           std::uint32_t protection_domain) = 0;

  // Ends the keys: later uses, local or remote, are refused. Unknown lkeys have no effect.
  virtual void deregister_memory(std::uint32_t lkey) = 0;

  // Shows `wires`, until the keys end, what peers do in the memory of an lkey: a write when its
  // bytes are there, in pieces if it comes in pieces, a read or an atomic when it is served. False:
  // this NIC does not see it, or the lkey is unknown.
  virtual bool watch_memory(std::uint32_t /*lkey*/, TripTable& /*wires*/) { return false; }

  // Hands a send descriptor to the queue pair and rings its doorbell. False: the queue is full or
  // the QPN unknown, nothing was posted (would block). Its buffers belong to the NIC until it
  // completes.
  virtual bool post_send(Qpn qpn, const proto::SendDescriptor& descriptor, Now now) = 0;

  // The same for a receive descriptor.
  virtual bool post_receive(Qpn qpn, const proto::ReceiveDescriptor& descriptor, Now now) = 0;

  // Makes progress (packets in, packets out, timers) and moves up to completions.size() completions
  // out. Requests of one queue complete in posting order.
  virtual Polled poll(std::span<proto::CompletionEntry> completions, Now now) = 0;

  // Queue pairs that went to error since the last call; returns how many were written. Events that
  // find no room wait.
  virtual std::size_t poll_async(std::span<AsyncEvent> events) = 0;

  // A file descriptor that is readable while packets or completions wait. Level-triggered, owned by
  // the NIC. Before a caller sleeps on it, it asks next_deadline_ns() after its last poll() or post
  // and wakes then: that tells of work which is left without a packet (completions that found no
  // room in poll's span, output held back), and makes a device notify. A NIC that was notified may
  // stay readable until next_deadline_ns() is asked again.
  virtual int event_fd() const = 0;

  // When poll() must be called again even without an event: nanoseconds of now_ns's clock; 0: at
  // once; UINT64_MAX: never.
  virtual std::uint64_t next_deadline_ns() = 0;
};

}  // namespace mapwire
