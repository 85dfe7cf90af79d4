// The network interfaces of this network namespace, as far as the soft NIC can use them.
#pragma once

#include <string>
#include <vector>

namespace mapwire::tools {

struct Interface {
  std::string name;  // "eth0"
  bool up = false;
  unsigned mtu = 0;  // bytes of an IP packet
  std::vector<std::string> addresses{};
};

// Those that have an IP address, in the kernel's order.
std::vector<Interface> list_interfaces();

}  // namespace mapwire::tools
