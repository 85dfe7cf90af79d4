// Which kind of NIC a context is to have, and which wire the soft NIC is to use.
#pragma once

#include <cstdint>
#include <string_view>

namespace mapwire {

enum class NicChoice : std::uint8_t { kAuto, kSoft, kVerbs };
std::string_view name(NicChoice choice);  // "auto", "soft", "verbs"

enum class WireChoice : std::uint8_t { kAuto, kUdp, kShm };
std::string_view name(WireChoice choice);  // "auto", "udp", "shm"

}  // namespace mapwire
