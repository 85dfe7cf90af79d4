#include <vector>

#include "tests/conformance/world.h"

namespace mapwire::conformance {

std::vector<Column> columns() {
  const proto::IpAddress v4{.family = proto::IpFamily::kV4, .bytes = {127, 0, 0, 1}};
  proto::IpAddress v6{.family = proto::IpFamily::kV6};
  v6.bytes.back() = 1;
  return {
      {.name = "soft_udp_ipv4", .make = [v4] { return make_soft_udp_world(v4); }},
      {.name = "soft_udp_ipv6", .make = [v6] { return make_soft_udp_world(v6); }},
      {.name = "soft_shm", .make = make_soft_shm_world},
      {.name = "soft_sim", .make = make_soft_sim_world},
      {.name = "verbs_rxe", .make = make_verbs_world},
  };
}

}  // namespace mapwire::conformance
