// What `mapwire doctor` finds: each check looks at one thing that goes wrong often.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/machine.h"

namespace mapwire::tools {

enum class Verdict {
  kOk,
  kNote,   // works, but not as it could
  kWrong,  // something that is there cannot be used
};

struct Finding {
  std::string_view check;  // stable, for scripts
  Verdict verdict = Verdict::kOk;
  std::string text;     // the object and what is the matter with it
  std::string command;  // what mends it; empty if nothing is to be done
};

std::string_view name(Verdict verdict);

Finding check_udp(const Machine& machine);
Finding check_module(const Machine& machine);
Finding check_device(const Machine& machine);
Finding check_permission(const Machine& machine);
Finding check_port_state(const Machine& machine);
Finding check_gid(const Machine& machine);
Finding check_mtu(const Machine& machine);
Finding check_memlock(const Machine& machine);
Finding check_tlb(const Machine& machine);
Finding check_roce_port(const Machine& machine);
Finding check_kernel(const Machine& machine);

// All of the above, in the order in which one stands on the other.
std::vector<Finding> examine(const Machine& machine);

}  // namespace mapwire::tools
