// The log of the library: lines on standard error, "time pid tid level text". Never used on the hot
// path. Threads: any.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "mapwire/runtime/log_level.h"

namespace mapwire {

// Lines of a less urgent level are dropped from now on. kWarn at first; Options::from_environment()
// sets what MAPWIRE_LOG says.
void set_log_level(LogLevel level);
bool log_enabled(LogLevel level);

// Writes a line if its level is enabled. Control characters, which text from a peer may hold, are
// replaced by '?', so that a line is one line and harmless to a terminal.
void log_text(LogLevel level, std::string_view text);

// Formats, only if the level is enabled, and writes a line.
template <class... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(level)) log_text(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace mapwire
