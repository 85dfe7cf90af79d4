// Addresses as people type them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mapwire::tools {

// What Context::connect and Context::listen take, from what was typed and the port of --port:
// "::1" -> "[::1]:18515", "fe80::1%eth0" -> "[fe80::1%eth0]:18515", "host" -> "host:18515",
// "" -> ":18515". A port in the address ("host:7", "[::1]:7") wins.
std::string with_port(std::string_view address, std::uint16_t port);

}  // namespace mapwire::tools
