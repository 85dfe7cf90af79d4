#include "tools/processors.h"

#include <fmt/format.h>
#include <sched.h>

#include <fstream>
#include <iterator>

namespace mapwire::tools {
namespace {

// The CPUs that share a core with this one, as the kernel writes them; the same text for each.
std::string core_of(int processor) {
  std::ifstream file{
      fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", processor)};
  std::string text;
  std::getline(file, text);
  return text;
}

}  // namespace

std::vector<int> allowed_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> processors;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return processors;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) processors.push_back(i);
  }
  return processors;
}

std::optional<std::pair<int, int>> two_processors() {
  const std::vector<int> allowed = allowed_processors();
  if (allowed.size() < 2) return std::nullopt;
  const std::string first_core = core_of(allowed[0]);
  for (std::size_t i = 1; i < allowed.size(); ++i) {
    if (core_of(allowed[i]) != first_core) return std::pair{allowed[0], allowed[i]};
  }
  return std::pair{allowed[0], allowed[1]};
}

bool pin_to_processor(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(processor), &set);
  return sched_setaffinity(0, sizeof(set), &set) == 0;
}

std::string format_processors(const std::vector<int>& ascending) {
  std::string text;
  for (auto first = ascending.begin(); first != ascending.end();) {
    auto last = first;
    while (std::next(last) != ascending.end() && *std::next(last) == *last + 1) ++last;
    if (!text.empty()) text += ',';
    text += first == last ? fmt::format("{}", *first) : fmt::format("{}-{}", *first, *last);
    first = std::next(last);
  }
  return text;
}

}  // namespace mapwire::tools
