// Two NICs of this machine in real time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/conformance/world.h"

namespace mapwire::conformance {

class RealTimeWorld final : public World {
 public:
  // Both are reached at `address`.
  RealTimeWorld(const proto::IpAddress& address, std::array<std::unique_ptr<Nic>, 2> nics,
                std::string_view wire)
      : address_{address}, nics_{std::move(nics)}, wire_{wire} {}

  Nic& nic(std::size_t side) override { return *nics_[side]; }
  proto::IpAddress address(std::size_t /*side*/) const override { return address_; }
  std::string_view wire() override { return wire_; }
  std::uint64_t now_ns() const override;
  void wait(std::uint64_t until_ns) override;

 private:
  proto::IpAddress address_;
  std::array<std::unique_ptr<Nic>, 2> nics_;
  std::string wire_;
};

}  // namespace mapwire::conformance
