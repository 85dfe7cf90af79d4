// Packets: what is parsed lies inside the input, and writing it again gives the same packet.
#include <algorithm>
#include <vector>

#include "mapwire/nic_fw/trace_wire.h"
#include "mapwire/proto/packet.h"
#include "tests/fuzz/fuzz.h"

namespace mapwire {
namespace {

void check_round_trip(const proto::Packet& packet, std::size_t bytes) {
  const std::size_t length = packet.payload.size();
  fuzz::require(proto::packet_bytes(packet.opcode(), length) == bytes, "length is explained");
  std::vector<std::byte> copy(bytes);
  const auto payload = proto::write_packet(copy, packet, length);
  std::ranges::copy(packet.payload, payload.begin());
  const auto again = proto::parse_packet(copy);
  fuzz::require(again.has_value(), "what was written is read");
  fuzz::require(again->bth == packet.bth, "BTH survives");
  fuzz::require(again->reth == packet.reth && again->aeth == packet.aeth, "RETH, AETH survive");
  fuzz::require(again->atomic == packet.atomic, "AtomicETH survives");
  fuzz::require(again->deth == packet.deth, "DETH survives");
  fuzz::require(again->atomic_original == packet.atomic_original, "AtomicAckETH survives");
  fuzz::require(again->immediate == packet.immediate, "ImmDt survives");
  fuzz::require(std::ranges::equal(again->payload, packet.payload), "payload survives");
}

}  // namespace
}  // namespace mapwire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  const std::span bytes{reinterpret_cast<const std::byte*>(data), size};
  if (const auto packet = proto::parse_packet(bytes)) check_round_trip(*packet, size);
  const auto line =
      nic_fw::trace_line(nic_fw::Direction::kReceived, {.flow = {}, .bytes = bytes}, 0);
  fuzz::require(line.find('\n') == line.npos, "a packet is one line");
  return 0;
}
