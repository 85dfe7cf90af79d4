// Connection set-up as RoCE devices know it: the InfiniBand communication manager (IBTA 1.4,
// chapter 12) with the port numbers and addresses of librdmacm (annex A11). A NIC that speaks it
// offers this interface beside Nic, to connect with peers that are not mapwire.
//
// A connection begins with connect() or with a kRequest, and ends once: by an event that says so
// (kRejected, kTimedOut, kDisconnected), or by the caller's reject() or disconnect(), after which
// no event names it any more. Ids are never used again.
//
// Threads: those of the Nic it belongs to. Nic::poll() makes its progress, and
// Nic::next_deadline_ns() minds its timers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"

namespace mapwire {

using CmId = std::uint64_t;

// Private data that the messages carry. Their length does not travel: the rest arrives as zeros.
inline constexpr std::size_t kCmRequestPrivateBytes = 56;
inline constexpr std::size_t kCmReplyPrivateBytes = 196;

struct CmConnect {
  proto::IpAddress local;
  proto::UdpAddress service;    // the peer's address, and the port its listener has there
  QueuePairAddress queue_pair;  // ours, opened between these addresses for the RoCE port
  std::uint32_t path_mtu = 0;   // bytes, a power of two 256..4096, at most the queue pair's
  std::span<const std::byte> private_data;  // at most kCmRequestPrivateBytes; copied
  std::uint64_t deadline_ns = 0;            // kTimedOut comes then
};

struct CmAccept {
  QueuePairAddress queue_pair;
  std::span<const std::byte> private_data;  // at most kCmReplyPrivateBytes; copied
};

enum class CmEventKind : std::uint8_t {
  kRequest,       // a peer asks: accept() or reject() it
  kReply,         // our request was accepted: connect the queue pair, then establish()
  kEstablished,   // of a request that we accepted
  kRejected,      // the peer refuses, or has no such service
  kTimedOut,      // no answer in time
  kDisconnected,  // the peer has ended the connection, or uses its queue pair for another one
};

struct CmEvent {
  CmEventKind kind = CmEventKind::kRequest;
  CmId id = 0;
  proto::UdpAddress service{};  // kRequest: the listener's
  // kRequest, kReply: the peer's queue pair. Its first_psn is the PSN that *we* are to begin with:
  // see cm_peer().
  QueuePairAddress peer{};
  std::uint32_t path_mtu = 0;  // kRequest, kReply: of the connection
  // kRequest, kReply: the PSN that the peer begins with, where the connection manager chose it.
  // Nothing: the first_psn of our queue pair's address was or will be told to it.
  std::optional<std::uint32_t> receive_psn{};
  std::uint16_t reject_reason = 0;                             // kRejected: IBTA 12.6.7.2
  std::array<std::byte, kCmReplyPrivateBytes> private_data{};  // kRequest, kReply
};

// How to connect our queue pair `own` with the peer of a kRequest or kReply. Each side of this
// exchange says with which PSN the *other* one begins, so ours becomes the peer's first.
inline QueuePairPeer cm_peer(const QueuePairAddress& own, const CmEvent& event) {
  QueuePairPeer peer{.address = event.peer,
                     .path_mtu = event.path_mtu,
                     .foreign = true,
                     .send_psn = event.peer.first_psn};
  peer.address.first_psn = event.receive_psn.value_or(own.first_psn);
  return peer;
}

// Why we refuse a request.
enum class CmRefusal : std::uint8_t { kByApplication, kNoResources, kInvalidPathMtu };

class ConnectionManager {
 public:
  ConnectionManager() = default;
  ConnectionManager(const ConnectionManager&) = delete;
  ConnectionManager& operator=(const ConnectionManager&) = delete;
  virtual ~ConnectionManager() = default;

  // Requests for `service`, a local address (not a wildcard) and a port, become kRequest events.
  // Errors: kAddressInUse (listening there already), kInvalidArgument (port 0, no address of one
  // interface), kRocePortInUse (somebody else serves RoCE at this address), kLimitReached,
  // kSystemCall (not an address of this host).
  virtual std::expected<void, Error> listen(const proto::UdpAddress& service) = 0;
  // No new requests. Those that came before stay.
  virtual void stop_listening(const proto::UdpAddress& service) = 0;

  // Asks the peer for a connection. Errors: kInvalidArgument (private data too long, path MTU),
  // kLimitReached, and those of listen() for the local address.
  virtual std::expected<CmId, Error> connect(const CmConnect& request, std::uint64_t now_ns) = 0;
  // Answers a kRequest. The queue pair must be connected before: data may come at once. Errors:
  // kInvalidArgument (private data too long; the request has ended, whose event is on its way).
  virtual std::expected<void, Error> accept(CmId id, const CmAccept& answer,
                                            std::uint64_t now_ns) = 0;
  // Refuses a kRequest.
  virtual void reject(CmId id, CmRefusal reason, std::uint64_t now_ns) = 0;
  // Confirms a kReply. No effect if the connection has ended meanwhile.
  virtual void establish(CmId id, std::uint64_t now_ns) = 0;
  // Ends a connection in whatever state it is and tells the peer. No effect on one that has ended.
  virtual void disconnect(CmId id, std::uint64_t now_ns) = 0;
  // Whether a peer has yet to confirm a disconnect(). Until it has, poll() tells it again.
  virtual bool disconnecting() const = 0;

  // Moves up to events.size() events out, oldest first; returns their number.
  virtual std::size_t poll_events(std::span<CmEvent> events) = 0;
};

}  // namespace mapwire
