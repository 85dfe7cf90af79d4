// Two soft NICs that reach each other through the loopback interface, in real time.
#include <array>
#include <expected>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/udp_wire.h"
#include "tests/conformance/real_time_world.h"
#include "tests/conformance/soft_options.h"
#include "tests/conformance/world.h"

namespace mapwire::conformance {
namespace {

std::expected<std::unique_ptr<Nic>, Error> make_nic(std::uint64_t seed) {
  auto wire = nic_fw::make_udp_wire({}, nullptr);
  if (!wire) return std::unexpected(std::move(wire.error()));
  return nic_fw::make_soft_nic(soft_options(seed), std::move(*wire), nullptr);
}

}  // namespace

std::expected<std::unique_ptr<World>, std::string> make_soft_udp_world(
    const proto::IpAddress& address) {
  std::array<std::unique_ptr<Nic>, 2> nics;
  std::random_device seed;
  for (auto& nic : nics) {
    auto made = make_nic(seed());
    if (!made) return std::unexpected(made.error().message);
    nic = std::move(*made);
  }
  return std::make_unique<RealTimeWorld>(address, std::move(nics));
}

}  // namespace mapwire::conformance
