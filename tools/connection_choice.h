// Which NIC would carry a connection, and why no other one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mapwire/endpoints/route.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/verbs/verbs_device.h"

namespace mapwire::tools {

struct NicCandidate {
  std::string nic;     // the kind: "soft", "verbs"
  std::string name;    // "udp", "rxe0"
  std::string port{};  // of a device; empty: has none, or is the soft NIC
  std::uint32_t gid_index = 0;
  std::string type{};       // of the GID, "RoCE v2"
  std::string address{};    // empty: has none
  std::string interface{};  // empty: none below it
  bool chosen = false;
  std::string rejection{};  // why it is not chosen; empty: it is
};

struct ConnectionChoice {
  std::string address;  // as it was asked for
  Route route;
  std::string reason;  // why a context with the NIC `auto` has this one, or why it has none
  std::vector<NicCandidate> candidates;
};

// The NIC that a context has; without a name: it has none.
struct ContextNic {
  NicAttributes attributes;
  std::string reason;
};

// A context has `nic`; of its addresses the first that fits the route is used.
ConnectionChoice choose(const std::string& address, const Route& route, const ContextNic& nic,
                        const std::vector<VerbsDevice>& devices);

}  // namespace mapwire::tools
