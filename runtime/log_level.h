// How urgent a line of the log is.
#pragma once

#include <cstdint>
#include <string_view>

namespace mapwire {

enum class LogLevel : std::uint8_t { kError, kWarn, kInfo, kDebug };
std::string_view name(LogLevel level);  // "error", "warn", "info", "debug"

}  // namespace mapwire
