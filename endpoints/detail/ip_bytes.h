// IP addresses in control messages: 4 or 16 bytes.
#pragma once

#include <cstddef>
#include <string>

#include "mapwire/proto/address.h"

namespace mapwire::detail {

inline std::string ip_bytes(const proto::IpAddress& ip) {
  const std::size_t bytes = ip.family == proto::IpFamily::kV4 ? 4 : 16;
  return {reinterpret_cast<const char*>(ip.bytes.data()), bytes};
}

}  // namespace mapwire::detail
