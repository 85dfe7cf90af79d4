#include "mapwire/runtime/version.h"

#include <string_view>

namespace mapwire {

std::string_view version() { return MAPWIRE_VERSION; }

}  // namespace mapwire
