// MADs on the wire: UD SEND_ONLY between the queue pairs 1 of two ports (IBTA 1.4, sections 9.8.3
// and 13.5.1). There is no queue pair behind this number here; the soft NIC hands its packets to
// the communication manager.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "mapwire/proto/address.h"
#include "mapwire/proto/cm_wire.h"
#include "mapwire/proto/headers.h"
#include "mapwire/proto/opcode.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {

// BTH 12, DETH 8, MAD 256, ICRC 4.
inline constexpr std::size_t kManagementPacketBytes = 280;
using ManagementPacket = proto::RawBytes<kManagementPacketBytes>;

// Whether a packet is addressed to queue pair 1. Any bytes may be asked about.
inline bool is_for_management(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(proto::BthWire)) return false;
  const std::span qpn = bytes.subspan(offsetof(proto::BthWire, dest_qpn), sizeof(proto::be24));
  return qpn[0] == std::byte{0} && qpn[1] == std::byte{0} && qpn[2] == std::byte{1};
}

// The MAD in such a packet, which points into `bytes`. Nothing: it is no packet of this kind, of
// another partition or key, or its ICRC is wrong.
std::optional<std::span<const std::byte>> read_management_packet(const proto::Flow& flow,
                                                                 std::span<const std::byte> bytes);

// A packet with `mad` that travels along `flow`.
ManagementPacket make_management_packet(const proto::Flow& flow,
                                        std::span<const std::byte, proto::kMadBytes> mad,
                                        std::uint32_t psn);

}  // namespace mapwire::nic_fw
