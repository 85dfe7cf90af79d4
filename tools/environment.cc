#include "tools/environment.h"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace mapwire::tools {

Environment take_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  Environment options = Options::parse(variables);
  for (const char* overridable :
       {"MAPWIRE_THREADS", "MAPWIRE_PROGRESS", "MAPWIRE_DEADLINE", "MAPWIRE_CONNECT_TIMEOUT",
        "MAPWIRE_PATH_MTU", "MAPWIRE_FAULTS", "MAPWIRE_PCAP"}) {
    unsetenv(overridable);
  }
  return options;
}

}  // namespace mapwire::tools
