// A queue pair on the shm wire: plain state. Requests are numbered from 0 in the order of their
// posting; the numbers wrap.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "mapwire/nic_fw/responder.h"
#include "mapwire/nic_fw/shm/channel.h"
#include "mapwire/nic_fw/work_queues.h"
#include "mapwire/proto/code.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/lazy_memory.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::nic_fw::shm {

// A ring of a power of two of entries, by numbers that wrap. In memory they go up from that of
// number 0, or with -1 down.
template <class T, std::ptrdiff_t kStep = 1>
class Numbered {
 public:
  Numbered(T* first, std::size_t entries) : first_{first}, mask_{entries - 1} {}
  T& operator[](std::uint32_t number) {
    return first_[kStep * static_cast<std::ptrdiff_t>(number & mask_)];
  }

 private:
  T* first_;
  std::size_t mask_;
};

struct SendRequest {
  proto::SendDescriptor descriptor;
  std::uint64_t bytes = 0;
  std::uint64_t answered_bytes = 0;  // of a READ
  Code verdict = Code::kOk;          // not kOk: it is never sent and fails in its turn
  bool answered = false;             // of a READ or an atomic
};

// What the requester knows of its peer.
enum class Peer : std::uint8_t {
  kAbsent,    // not connected yet: what it is sent would be dropped
  kNotReady,  // has no receive for the request at the cursor
  kReady,
};

using SendRequests = Numbered<SendRequest, -1>;

struct Requester {
  explicit Requester(SendRequests ring) : requests{ring} {}

  bool idle() const { return head == tail; }

  SendRequests requests;
  std::uint32_t head = 0;          // the oldest that has not completed
  std::uint32_t cursor = 0;        // the next to be sent, or being sent
  std::uint32_t tail = 0;          // the next to be posted
  std::uint32_t acknowledged = 0;  // those before it were carried out
  std::uint64_t cursor_bytes = 0;  // sent of the one at the cursor
  std::uint32_t reads_outstanding = 0;
  std::uint32_t reads_max = 0;
  Peer peer = Peer::kAbsent;
  // Since when nothing was heard of the oldest, and since when the peer has no receive for it;
  // 0: not looked yet.
  std::uint64_t waits_since_ns = 0;
  std::uint64_t not_ready_since_ns = 0;
  std::uint64_t cursor_bytes_seen = 0;  // cursor_bytes at the last look
};

// A READ or atomic of the peer that was carried out but for its answer.
struct Response {
  proto::ShmKind kind{};
  std::uint32_t request = 0;
  proto::ShmTarget source{};  // of a READ: what is left of it
  std::uint64_t original = 0;
};

using Receives = Numbered<proto::ReceiveDescriptor>;
using Responses = Numbered<Response>;

struct Responder {
  Responder(Receives receive_ring, Responses response_ring)
      : receives{receive_ring}, responses{response_ring} {}

  Receives receives;
  std::uint32_t receives_head = 0;
  std::uint32_t receives_tail = 0;

  std::uint32_t expected = 0;                        // the next request
  IncomingMessage message = IncomingMessage::kNone;  // whose first piece has come
  std::uint64_t message_bytes = 0;
  // Taken for it: an entry of `receives`, which is not used again before it has completed.
  const proto::ReceiveDescriptor* receive = nullptr;
  std::uint64_t receive_bytes = 0;  // room in it

  Responses responses;
  std::uint32_t responses_head = 0;
  std::uint32_t responses_tail = 0;

  // What is to be told. The order is that of telling, responses before the refusal.
  bool connected_due = true;
  bool connected_asks = true;  // the peer is to tell the same
  bool not_ready_due = false;
  bool ready_due = false;
  Code refusal_due = Code::kOk;
  std::uint32_t refused = 0;     // the request that the refusal is of
  bool acknowledge_due = false;  // that of the last
  bool told_not_ready = false;   // a receive that is posted is told
};

enum class State : std::uint8_t { kConnected, kError };

// The rings of a queue pair in one piece. Requests go down and receives up from where both begin,
// as the first of each are all that a connection without traffic uses: they lie in one page then.
class Rings {
 public:
  Rings(const QueuePairOptions& options, std::size_t responses_max)
      : memory_{options.send_entries * sizeof(SendRequest) +
                options.receive_entries * sizeof(proto::ReceiveDescriptor) +
                responses_max * sizeof(Response)},
        begin_{&memory_.bytes()[options.send_entries * sizeof(SendRequest)]},
        options_{options},
        responses_max_{responses_max} {}

  SendRequests requests() const {
    return {reinterpret_cast<SendRequest*>(begin_) - 1, options_.send_entries};
  }
  Receives receives() const {
    return {reinterpret_cast<proto::ReceiveDescriptor*>(begin_), options_.receive_entries};
  }
  Responses responses() const {
    std::byte* const end = begin_ + options_.receive_entries * sizeof(proto::ReceiveDescriptor);
    return {reinterpret_cast<Response*>(end), responses_max_};
  }

 private:
  LazyMemory memory_;
  std::byte* begin_;
  QueuePairOptions options_;
  std::size_t responses_max_;
};

struct QueuePair {
  QueuePair(Qpn own, const QueuePairOptions& queue_options, const QueuePairPeer& peer,
            std::uint32_t read_atomic_max, Channel& its_channel, WorkQueues& work_queues)
      : qpn{own},
        peer_qpn{peer.address.qpn},
        options{queue_options},
        channel{&its_channel},
        queues{&work_queues},
        responses_max{read_atomic_max},
        rings{queue_options, read_atomic_max},
        requester{rings.requests()},
        responder{rings.receives(), rings.responses()} {
    requester.reads_max = std::min(read_atomic_max, peer.address.read_atomic_max);
  }

  Qpn qpn;
  Qpn peer_qpn;
  QueuePairOptions options;
  Channel* channel;
  WorkQueues* queues;
  State state = State::kConnected;
  std::uint32_t responses_max;  // READs and atomics that the peer may have outstanding
  Rings rings;
  Requester requester;
  Responder responder;
  // In the lists of Core.
  bool is_ready = false;
  bool is_acknowledging = false;
  bool is_busy = false;
};

}  // namespace mapwire::nic_fw::shm
