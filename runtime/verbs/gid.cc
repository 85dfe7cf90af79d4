#include "mapwire/runtime/verbs/gid.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mapwire::verbs {
namespace {

constexpr std::size_t kV4Bytes = 4;
constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

ibv_gid to_ibv_gid(const proto::IpAddress& address) {
  ibv_gid gid{};
  std::ranges::copy(proto::to_gid(address), gid.raw);
  return gid;
}

proto::IpAddress to_address(const ibv_gid& gid) {
  const std::span<const std::uint8_t> raw{gid.raw};
  proto::IpAddress address;
  if (std::ranges::equal(raw.first(kV4Prefix.size()), kV4Prefix)) {
    std::ranges::copy(raw.last(kV4Bytes), address.bytes.begin());
  } else {
    address.family = proto::IpFamily::kV6;
    std::ranges::copy(raw, address.bytes.begin());
  }
  return address;
}

}  // namespace mapwire::verbs
