#include "mapwire/nic_fw/shm/block.h"

#include <expected>
#include <utility>

#include "mapwire/nic_fw/shm/store_order.h"
#include "mapwire/runtime/barrier.h"

namespace mapwire::nic_fw::shm {

std::expected<Arena, Error> make_block() {
  auto block = Arena::create("mapwire-shm", proto::kShmBytes, Sharing::kReadOnly);
  if (!block) return block;
  proto::ShmHeader& header = header_of(*block);
  header.magic = proto::kShmMagic;
  header.version = proto::kShmVersion;
  header.fences = orders_stores_of_peers() ? 0 : 1;
  header.consumed = proto::kShmFirstPosition;
  return block;
}

std::expected<PeerBlock, Error> PeerBlock::map(const UniqueFd& fd) {
  auto mapping = Mapping::of_peer(fd, proto::kShmBytes, Sharing::kReadOnly);
  if (!mapping) return std::unexpected(std::move(mapping.error()));
  PeerBlock block{std::move(*mapping)};
  if (read_once(block.header().magic) != proto::kShmMagic ||
      read_once(block.header().version) != proto::kShmVersion) {
    return std::unexpected(Error::make(Code::kProtocolError, ErrorScope::kEndpoint,
                                       "shared memory of the peer: has no header of ours; check "
                                       "that the peer is mapwire of this version"));
  }
  return block;
}

}  // namespace mapwire::nic_fw::shm
