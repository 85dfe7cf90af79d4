#include "mapwire/proto/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>

namespace mapwire::proto {

Gid to_gid(const IpAddress& address) {
  if (address.family == IpFamily::kV6) return address.bytes;
  Gid gid{};
  gid[10] = 0xff;
  gid[11] = 0xff;
  std::copy_n(address.bytes.begin(), 4, gid.begin() + 12);
  return gid;
}

std::string to_string(const IpAddress& address) {
  const bool v6 = address.family == IpFamily::kV6;
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(), text.size());
  std::string result = text.data();
  if (v6 && address.scope_id != 0) result.append(1, '%').append(std::to_string(address.scope_id));
  return result;
}

std::string to_string(const UdpAddress& address) {
  const bool v6 = address.ip.family == IpFamily::kV6;
  std::string result = v6 ? "[" : "";
  result.append(to_string(address.ip)).append(v6 ? "]:" : ":");
  return result.append(std::to_string(address.port));
}

}  // namespace mapwire::proto
