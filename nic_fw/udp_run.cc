#include "mapwire/nic_fw/udp_run.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "mapwire/proto/address.h"
#include "mapwire/proto/headers.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {
namespace {

bool may_get_identification(const proto::Flow& flow) {
  return flow.source.ip.family == proto::IpFamily::kV6 || flow.destination.port != proto::kRocePort;
}

// Only an ICRC where a RoCE packet has it can be mended.
bool is_of_roce_length(std::size_t bytes) {
  return bytes >= sizeof(proto::BthWire) + proto::kIcrcBytes && bytes <= proto::kPacketBytesMax &&
         bytes % 4 == 0;
}

}  // namespace

std::size_t run_packets(std::span<const WirePacket> packets) {
  const WirePacket& first = packets.front();
  const std::size_t bytes = first.bytes.size();
  if (!is_of_roce_length(bytes) || !may_get_identification(first.flow)) return 1;
  const std::size_t limit = std::min({packets.size(), kRunPacketsMax, kRunBytesMax / bytes});
  std::size_t count = 1;
  while (count < limit) {
    const WirePacket& next = packets[count];
    const std::size_t next_bytes = next.bytes.size();
    if (next_bytes > bytes || !is_of_roce_length(next_bytes) || next.flow != first.flow) break;
    ++count;
    if (next_bytes < bytes) break;
  }
  return count;
}

}  // namespace mapwire::nic_fw
