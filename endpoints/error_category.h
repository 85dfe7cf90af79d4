// The codes of mapwire as a std::error_category, for Asio and others that speak std::error_code.
// Nothing else in mapwire does.
#pragma once

#include <system_error>
#include <type_traits>

#include "mapwire/proto/code.h"

namespace mapwire {

// Named "mapwire"; its values are the numbers of Code. kFlushed compares equal to
// std::errc::operation_canceled and kTimeout to std::errc::timed_out. Any thread.
const std::error_category& error_category() noexcept;

// kOk is no error.
std::error_code make_error_code(Code code) noexcept;

}  // namespace mapwire

template <>
struct std::is_error_code_enum<mapwire::Code> : std::true_type {};
