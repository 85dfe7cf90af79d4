#include "tools/rdma_sysfs.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

namespace mapwire::tools {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
  std::string line;
  std::ifstream in{file};
  std::getline(in, line);
  return line;
}

// Sorted by number where the names are numbers.
std::vector<fs::path> entries(const fs::path& directory) {
  std::error_code none;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator{directory, none}) paths.push_back(entry.path());
  std::ranges::sort(paths, [](const fs::path& a, const fs::path& b) {
    const auto& left = a.native();
    const auto& right = b.native();
    return left.size() != right.size() ? left.size() < right.size() : left < right;
  });
  return paths;
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// sysfs writes all 32 digits: fe80:0000:0000:...
std::optional<in6_addr> parse_gid(const std::string& text) {
  in6_addr address{};
  if (inet_pton(AF_INET6, text.c_str(), &address) != 1) return std::nullopt;
  if (IN6_IS_ADDR_UNSPECIFIED(&address)) return std::nullopt;  // an empty entry of the table
  return address;
}

std::string to_text(const in6_addr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&address);
  const void* bytes = mapped ? &address.s6_addr[12] : address.s6_addr;
  inet_ntop(mapped ? AF_INET : AF_INET6, bytes, text.data(), text.size());
  return text.data();
}

std::vector<RdmaGid> gids_of(const fs::path& port) {
  std::vector<RdmaGid> gids;
  for (const fs::path& file : entries(port / "gids")) {
    const auto index = number(file.filename().native());
    const auto address = parse_gid(first_line(file));
    if (!index || !address) continue;
    const fs::path attributes = port / "gid_attrs";
    gids.push_back({.index = *index,
                    .address = to_text(*address),
                    .type = first_line(attributes / "types" / file.filename()),
                    .netdev = first_line(attributes / "ndevs" / file.filename())});
  }
  return gids;
}

}  // namespace

bool RdmaGid::routable() const { return type == "RoCE v2" && !address.starts_with("fe80:"); }

std::vector<RdmaPort> rdma_ports(const fs::path& sys) {
  std::vector<RdmaPort> ports;
  for (const fs::path& device : entries(sys / "class" / "infiniband")) {
    for (const fs::path& port : entries(device / "ports")) {
      // "4: ACTIVE"
      const std::string state = first_line(port / "state");
      const auto space = state.find(' ');
      ports.push_back({.device = device.filename(),
                       .port = number(port.filename().native()).value_or(0),
                       .state = space == std::string::npos ? state : state.substr(space + 1),
                       .gids = gids_of(port)});
    }
  }
  return ports;
}

std::vector<RdmaNode> rdma_nodes(const fs::path& sys, const fs::path& dev) {
  std::vector<RdmaNode> nodes;
  for (const fs::path& node : entries(sys / "class" / "infiniband_verbs")) {
    const std::string device = first_line(node / "ibdev");
    if (!device.empty()) {
      nodes.push_back({.device = device, .path = dev / "infiniband" / node.filename()});
    }
  }
  return nodes;
}

}  // namespace mapwire::tools
