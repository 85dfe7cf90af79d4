// ICRC: what is sealed verifies, its identification is found, and one found holds.
#include <algorithm>
#include <array>
#include <vector>

#include "mapwire/proto/icrc.h"
#include "mapwire/proto/packet.h"
#include "tests/fuzz/fuzz.h"

namespace mapwire {
namespace {

proto::UdpAddress take_address(fuzz::Input& input, proto::IpFamily family) {
  proto::UdpAddress address;
  address.ip.family = family;
  const auto bytes = input.take<std::array<std::uint8_t, 16>>();
  const std::size_t used = family == proto::IpFamily::kV6 ? 16 : 4;
  std::copy_n(bytes.begin(), used, address.ip.bytes.begin());
  address.port = input.take<std::uint16_t>();
  return address;
}

void check_random(const proto::Flow& flow, std::span<const std::byte> packet) {
  const auto solved = proto::solve_identification(flow, packet);
  if (solved) {
    fuzz::require(proto::verify_icrc(flow, *solved, packet), "the one found holds");
  } else if (packet.size() % 4 == 0 && packet.size() <= proto::kPacketBytesMax) {
    fuzz::require(!proto::verify_icrc(flow, 0, packet), "0 is found if it holds");
  }
}

void check_sealed(const proto::Flow& flow, std::uint16_t identification,
                  std::span<std::byte> packet) {
  if (packet.size() < 16) return;
  proto::seal(flow, identification, packet);
  fuzz::require(proto::verify_icrc(flow, identification, packet), "what is sealed verifies");
  if (packet.size() % 4 != 0 || packet.size() > proto::kPacketBytesMax) return;
  const auto solved = proto::solve_identification(flow, packet);
  const bool v6 = flow.source.ip.family == proto::IpFamily::kV6;
  fuzz::require(solved == (v6 ? std::uint16_t{0} : identification), "its identification is found");
  packet[8] ^= std::byte{1};
  fuzz::require(!proto::verify_icrc(flow, identification, packet), "a flipped bit is found");
}

}  // namespace
}  // namespace mapwire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  fuzz::Input input{data, size};
  const auto family =
      (input.take<std::uint8_t>() & 1) != 0 ? proto::IpFamily::kV6 : proto::IpFamily::kV4;
  const auto identification = input.take<std::uint16_t>();
  proto::Flow flow;
  flow.source = take_address(input, family);
  flow.destination = take_address(input, family);
  std::vector<std::byte> packet(input.rest().begin(), input.rest().end());
  check_random(flow, packet);
  check_sealed(flow, identification, packet);
  return 0;
}
