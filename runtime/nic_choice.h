// Which kind of NIC a context is to have.
#pragma once

#include <cstdint>
#include <string_view>

namespace mapwire {

enum class NicChoice : std::uint8_t { kAuto, kSoft, kVerbs };
std::string_view name(NicChoice choice);  // "auto", "soft", "verbs"

}  // namespace mapwire
