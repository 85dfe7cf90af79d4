// CPUs of this process.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mapwire::tools {

// The CPUs this process may run on, ascending.
std::vector<int> allowed_processors();

// Two different ones for the two ends of a test on one host; of different cores where there are
// such. Nothing if the process has only one CPU.
std::optional<std::pair<int, int>> two_processors();

// Binds the calling process to one CPU. False if the system refuses.
[[nodiscard]] bool pin_to_processor(int processor);

// {0, 1, 2, 5} as "0-2,5".
std::string format_processors(const std::vector<int>& ascending);

}  // namespace mapwire::tools
