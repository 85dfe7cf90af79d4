// Two soft NICs in a simulated network, in virtual time: as fast as the machine, and the same every
// time.
#include <algorithm>
#include <array>
#include <expected>
#include <memory>
#include <string>
#include <utility>

#include "mapwire/nic_fw/sim_network.h"
#include "mapwire/nic_fw/sim_wire.h"
#include "mapwire/nic_fw/soft_nic.h"
#include "tests/conformance/soft_options.h"
#include "tests/conformance/world.h"

namespace mapwire::conformance {
namespace {

constexpr nic_fw::SimLinkOptions kLink{
    .bits_per_second = 10'000'000'000, .delay_ns = 5'000, .queue_bytes_max = 4 << 20};

class SoftSimWorld final : public World {
 public:
  // Each side's packets leave through a link of its own.
  static std::expected<std::unique_ptr<World>, std::string> make() {
    auto world = std::make_unique<SoftSimWorld>();
    for (std::size_t side = 0; side < 2; ++side) {
      const auto link = world->network_.add_link(kLink);
      auto wire = nic_fw::make_sim_wire(world->network_, link);
      auto nic = nic_fw::make_soft_nic(soft_options(side + 1), std::move(wire), nullptr);
      if (!nic) return std::unexpected(nic.error().message);
      world->nics_[side] = std::move(*nic);
    }
    return world;
  }

  Nic& nic(std::size_t side) override { return *nics_[side]; }
  proto::IpAddress address(std::size_t side) const override {
    return {.bytes = {192, 0, 2, static_cast<std::uint8_t>(side + 1)}};
  }
  std::uint64_t now_ns() const override { return now_ns_; }

  // A step takes some time even if a NIC wants to be polled at once.
  void wait(std::uint64_t until_ns) override {
    for (const auto& nic : nics_) until_ns = std::min(until_ns, nic->next_deadline_ns());
    now_ns_ = std::max(now_ns_ + 100, until_ns);
  }

 private:
  std::uint64_t now_ns_ = 1'000'000;
  nic_fw::SimNetwork network_;  // outlives the NICs' wires
  std::array<std::unique_ptr<Nic>, 2> nics_;
};

}  // namespace

std::expected<std::unique_ptr<World>, std::string> make_soft_sim_world() {
  return SoftSimWorld::make();
}

}  // namespace mapwire::conformance
