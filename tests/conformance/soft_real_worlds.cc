// Two soft NICs of this machine in real time: over the loopback interface, or shared memory.
#include <array>
#include <expected>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/udp_wire.h"
#include "tests/conformance/real_time_world.h"
#include "tests/conformance/soft_options.h"
#include "tests/conformance/world.h"

namespace mapwire::conformance {
namespace {

std::expected<std::unique_ptr<Nic>, Error> make_nic(std::uint64_t seed, bool shared_memory) {
  auto wire = nic_fw::make_udp_wire({}, nullptr);
  if (!wire) return std::unexpected(std::move(wire.error()));
  nic_fw::SoftNicOptions options = soft_options(seed);
  options.shared_memory = shared_memory;
  return nic_fw::make_soft_nic(options, std::move(*wire), nullptr);
}

std::expected<std::unique_ptr<World>, std::string> make_world(const proto::IpAddress& address,
                                                              std::string_view wire) {
  std::array<std::unique_ptr<Nic>, 2> nics;
  std::random_device seed;
  for (auto& nic : nics) {
    auto made = make_nic(seed(), wire == kShmWire);
    if (!made) return std::unexpected(made.error().message);
    nic = std::move(*made);
  }
  return std::make_unique<RealTimeWorld>(address, std::move(nics), wire);
}

}  // namespace

std::expected<std::unique_ptr<World>, std::string> make_soft_udp_world(
    const proto::IpAddress& address) {
  return make_world(address, kUdpWire);
}

std::expected<std::unique_ptr<World>, std::string> make_soft_shm_world() {
  return make_world({.family = proto::IpFamily::kV4, .bytes = {127, 0, 0, 1}}, kShmWire);
}

}  // namespace mapwire::conformance
