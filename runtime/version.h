// The version of mapwire that is linked in.
#pragma once

#include <cstdint>
#include <string_view>

namespace mapwire {

// As set by project() in the top CMakeLists.txt: "0.1.0". Any thread.
std::string_view version();

// Of the set-up messages, proto/control.proto. Peers of another one refuse each other.
inline constexpr std::uint32_t kControlVersion = 4;

}  // namespace mapwire
