// Cells out: what every cell says, and what a queue pair says besides its requests.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "mapwire/nic_fw/shm/core.h"
#include "mapwire/nic_fw/shm/queue_pair.h"

namespace mapwire::nic_fw::shm {

inline constexpr std::size_t kBodyBytes = sizeof(proto::ShmCell::body);

struct CellFields {
  proto::ShmKind kind{};
  std::uint8_t flags = 0;
  std::uint32_t bytes = 0;
  std::uint32_t request = 0;
  std::uint32_t immediate = 0;
};

// Fills the next cell but for its body, and tells with it what was carried out.
inline void fill(proto::ShmCell& cell, QueuePair& qp, const CellFields& head) {
  cell.kind = head.kind;
  cell.flags = head.flags;
  cell.bytes = static_cast<std::uint16_t>(head.bytes);
  cell.qpn = qp.peer_qpn;
  cell.request = head.request;
  cell.acknowledged = qp.responder.expected;
  cell.immediate = head.immediate;
  qp.responder.acknowledge_due = false;
}

// Where a payload goes that stands behind `before` bytes of the body or, if it is too long for
// that, in the area.
class Place {
 public:
  Place(RingWriter& writer, std::size_t before, std::uint64_t rest)
      : writer_{writer},
        before_{before},
        in_area_{rest > kBodyBytes - before},
        bytes_{static_cast<std::uint32_t>(
            std::min<std::uint64_t>(rest, in_area_ ? proto::kShmPieceBytes : kBodyBytes))} {}

  // As much of the payload as goes into one cell.
  std::uint32_t bytes() const { return bytes_; }
  bool has_room() { return writer_.has_room(area_bytes()); }
  std::uint8_t flags() const { return in_area_ ? proto::kShmInArea : std::uint8_t{0}; }
  // Precondition of these: has_room().
  std::span<std::byte> memory() {
    return in_area_ ? writer_.next_area(bytes_)
                    : std::span{writer_.next().body}.subspan(before_, bytes_);
  }
  void publish(proto::ShmCell& cell) {
    if (in_area_) cell.area_offset = writer_.next_area_offset(bytes_);
    writer_.publish(cell, area_bytes());
  }

 private:
  std::uint32_t area_bytes() const { return in_area_ ? bytes_ : 0; }

  RingWriter& writer_;
  std::size_t before_;
  bool in_area_;
  std::uint32_t bytes_;
};

// Tells the peer all that is due but an acknowledgement alone. False: the ring has no room for all,
// or it is the turn of others.
bool tell(Core& core, QueuePair& qp);
// Whether tell() has anything to do.
inline bool has_to_tell(const QueuePair& qp) {
  const Responder& responder = qp.responder;
  return responder.connected_due || responder.not_ready_due || responder.ready_due ||
         responder.refusal_due != Code::kOk || responder.responses_head != responder.responses_tail;
}

// Tells what no other cell has told meanwhile.
void send_acknowledgements(Core& core);

}  // namespace mapwire::nic_fw::shm
