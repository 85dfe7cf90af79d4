// Two soft NICs that reach each other through the loopback interface, in real time.
#include <poll.h>

#include <algorithm>
#include <array>
#include <expected>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/udp_wire.h"
#include "mapwire/runtime/clock.h"
#include "tests/conformance/soft_options.h"
#include "tests/conformance/world.h"

namespace mapwire::conformance {
namespace {

class SoftUdpWorld final : public World {
 public:
  SoftUdpWorld(const proto::IpAddress& address, std::array<std::unique_ptr<Nic>, 2> nics)
      : address_{address}, nics_{std::move(nics)} {}

  Nic& nic(std::size_t side) override { return *nics_[side]; }
  proto::IpAddress address(std::size_t /*side*/) const override { return address_; }
  std::uint64_t now_ns() const override { return mapwire::now_ns(); }

  void wait(std::uint64_t until_ns) override {
    std::array<pollfd, 2> events{};
    for (std::size_t side = 0; side < 2; ++side) {
      events[side] = {.fd = nics_[side]->event_fd(), .events = POLLIN, .revents = 0};
      until_ns = std::min(until_ns, nics_[side]->next_deadline_ns());
    }
    const std::uint64_t now = now_ns();
    const std::uint64_t sleep_ns = until_ns > now ? until_ns - now : 0;
    const timespec timeout{.tv_sec = static_cast<time_t>(sleep_ns / kNanosecondsPerSecond),
                           .tv_nsec = static_cast<long>(sleep_ns % kNanosecondsPerSecond)};
    ::ppoll(events.data(), events.size(), &timeout, nullptr);
  }

 private:
  proto::IpAddress address_;
  std::array<std::unique_ptr<Nic>, 2> nics_;
};

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
  return std::make_unique<SoftUdpWorld>(address, std::move(nics));
}

}  // namespace mapwire::conformance
