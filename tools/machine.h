// What `mapwire doctor` looks at of this machine. Tests make machines of their own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace mapwire::tools {

inline constexpr std::uint64_t kUnlimited = UINT64_MAX;

struct Machine {
  std::filesystem::path sys = "/sys";
  std::filesystem::path dev = "/dev";
  std::string kernel;               // as `uname -r` prints it
  std::uint64_t memlock_bytes = 0;  // what this process may pin; kUnlimited
  std::string tlb_obstacle{};       // why no memory stays pinned between requests; empty: it can
  int udp_errno = 0;                // of binding a UDP socket to a free port
  int roce_port_errno = 0;          // of binding one to port 4791
};

Machine this_machine();

}  // namespace mapwire::tools
