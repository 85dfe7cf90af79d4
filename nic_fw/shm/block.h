// The block of memory that one process of a pair writes and the other reads: proto/shm_wire.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <utility>

#include "mapwire/proto/shm_wire.h"
#include "mapwire/runtime/arena.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/memfd.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire::nic_fw::shm {

// Ours: an empty block that its reader can neither write nor cut off. Errors: those of
// Arena::create.
std::expected<Arena, Error> make_block();

inline proto::ShmHeader& header_of(const Arena& block) {
  return *reinterpret_cast<proto::ShmHeader*>(block.memory().data());
}

// The peer's, mapped for reading. Move-only.
class PeerBlock {
 public:
  // Maps what `fd` refers to, which may be anything: it is refused unless it is shared memory of
  // the right size and version whose size can not change, so that no access to it faults. Errors:
  // kProtocolError, kSystemCall.
  static std::expected<PeerBlock, Error> map(const UniqueFd& fd);
  PeerBlock() = default;

  explicit operator bool() const { return !memory().empty(); }
  const proto::ShmHeader& header() const {
    return *reinterpret_cast<const proto::ShmHeader*>(memory().data());
  }
  std::span<const std::byte> memory() const { return mapping_.memory(); }

 private:
  explicit PeerBlock(Mapping mapping) : mapping_{std::move(mapping)} {}

  Mapping mapping_;
};

}  // namespace mapwire::nic_fw::shm
