// The version of mapwire that is linked in.
#pragma once

#include <string_view>

namespace mapwire {

// As set by project() in the top CMakeLists.txt: "0.1.0". Any thread.
std::string_view version();

}  // namespace mapwire
