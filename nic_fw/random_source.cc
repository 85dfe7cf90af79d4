#include "mapwire/nic_fw/random_source.h"

#include <sys/random.h>

#include <cstdint>
#include <cstdlib>

namespace mapwire::nic_fw {

std::uint64_t draw_system_random() {
  std::uint64_t bits = 0;
  // So few bytes come at once and whole (random(7)).
  if (::getrandom(&bits, sizeof(bits), 0) != sizeof(bits)) std::abort();
  return bits;
}

}  // namespace mapwire::nic_fw
