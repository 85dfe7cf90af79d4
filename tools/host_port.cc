#include "tools/host_port.h"

#include <fmt/format.h>

#include <algorithm>

namespace mapwire::tools {

std::string with_port(std::string_view address, std::uint16_t port) {
  const auto colons = std::ranges::count(address, ':');
  if (address.starts_with('[')) {
    const bool has_port = address.find("]:") != std::string_view::npos;
    return has_port ? std::string{address} : fmt::format("{}:{}", address, port);
  }
  if (colons > 1) return fmt::format("[{}]:{}", address, port);  // an IPv6 address
  if (colons == 1) return std::string{address};
  return fmt::format("{}:{}", address, port);
}

}  // namespace mapwire::tools
