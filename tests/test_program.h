// What the programs that scripts run have in common: anything that fails ends them, and says why.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "mapwire/runtime/error.h"

namespace mapwire {

// Ends the program as failed; the line on stderr begins with the program's own name.
[[noreturn]] inline void fail(std::string_view why) {
  std::fprintf(stderr, "%s: %.*s\n", program_invocation_short_name, static_cast<int>(why.size()),
               why.data());
  std::exit(EXIT_FAILURE);
}

// The value; an error fails the program with its message and, for scripts, the name of its code.
template <class T>
T value_of(std::expected<T, Error> result) {
  if (result) return std::move(*result);
  fail(result.error().message + " (" + std::string{name(result.error().code)} + ")");
}

}  // namespace mapwire
