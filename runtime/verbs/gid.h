// IP addresses in GIDs (IBTA annex A17.4.1), as libibverbs has them.
#pragma once

#include <infiniband/verbs.h>

#include "mapwire/proto/address.h"

namespace mapwire::verbs {

ibv_gid to_ibv_gid(const proto::IpAddress& address);
proto::IpAddress to_address(const ibv_gid& gid);

}  // namespace mapwire::verbs
