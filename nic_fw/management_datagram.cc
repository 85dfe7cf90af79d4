#include "mapwire/nic_fw/management_datagram.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "mapwire/proto/icrc.h"
#include "mapwire/proto/mad.h"

namespace mapwire::nic_fw {
namespace {

constexpr std::uint16_t kOurIdentification = 0;  // see wire.h

bool acceptable_datagram(const proto::Packet& packet) {
  return packet.opcode() == proto::Opcode::kUdSendOnly &&
         proto::in_default_partition(packet.bth.pkey) && packet.bth.dest_qpn == proto::kGsiQpn &&
         packet.deth.qkey == proto::kGsiQkey && packet.deth.source_qpn == proto::kGsiQpn;
}

}  // namespace

std::optional<std::span<const std::byte>> read_management_packet(const proto::Flow& flow,
                                                                 std::span<const std::byte> bytes) {
  const auto packet = proto::parse_packet(bytes);
  if (!packet || !acceptable_datagram(*packet)) return std::nullopt;
  // Any make may send it, so the identification is solved for: see icrc.h.
  if (!proto::solve_identification(flow, bytes)) return std::nullopt;
  return packet->payload;
}

ManagementPacket make_management_packet(const proto::Flow& flow,
                                        std::span<const std::byte, proto::kMadBytes> mad,
                                        std::uint32_t psn) {
  proto::Packet packet;
  packet.bth.opcode = std::to_underlying(proto::Opcode::kUdSendOnly);
  packet.bth.migration = true;
  packet.bth.dest_qpn = proto::kGsiQpn;
  packet.bth.psn = psn & proto::kPsnMask;
  packet.deth = {.qkey = proto::kGsiQkey, .source_qpn = proto::kGsiQpn};
  ManagementPacket bytes;
  std::ranges::copy(mad, proto::write_packet(bytes, packet, mad.size()).begin());
  proto::seal(flow, kOurIdentification, bytes);
  return bytes;
}

}  // namespace mapwire::nic_fw
