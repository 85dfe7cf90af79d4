// Numbers that a test takes from the environment, so that it can be run longer or again.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace mapwire::testing {

// The decimal number that `variable` holds; `otherwise` if it is not set.
inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace mapwire::testing
