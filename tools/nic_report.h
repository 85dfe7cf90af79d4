// What `mapwire info` tells of the NICs of this machine: the soft NIC and each RDMA device.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/verbs/verbs_device.h"
#include "tools/interfaces.h"

namespace mapwire::tools {

// 0: not known, or not limited.
struct NicLimits {
  std::uint32_t queue_pairs = 0;
  std::uint32_t queue_entries = 0;  // requests in a queue
  std::uint32_t completion_entries = 0;
  std::uint32_t sge = 0;           // elements of a request
  std::uint32_t inline_bytes = 0;  // payload that is copied when it is posted
  std::uint64_t message_bytes = 0;
  std::uint32_t read_atomic = 0;  // READs and atomics under way per queue pair
  std::uint32_t regions = 0;
  std::uint64_t region_bytes = 0;
};

// A GID of a device, or an address that the soft NIC can use.
struct NicAddress {
  std::uint32_t index = 0;
  std::string type;  // "RoCE v2"
  std::string address;
  std::string interface;  // empty: none below it
};

// A port of a device, or an interface that the soft NIC can use.
struct NicPort {
  std::string name;  // "1", "eth0"
  bool active = false;
  std::string state;             // "active", "down"
  std::string link;              // "Ethernet"
  std::uint32_t mtu_active = 0;  // bytes of payload in a packet
  std::uint32_t mtu_max = 0;
  std::vector<NicAddress> addresses;
};

struct NicReport {
  std::string nic;        // the kind: "soft", "verbs"
  std::string name;       // "udp", "rxe0"
  std::string problem{};  // why it cannot be used; empty: nothing is known against it
  std::string firmware{};
  bool on_demand_paging = false;  // memory needs no pinning
  NicLimits limits{};
  std::vector<NicPort> ports{};
};

// `attributes` are those of a soft NIC that was made for the question.
NicReport report_soft_nic(const NicAttributes& attributes,
                          const std::vector<Interface>& interfaces);
// None can be made.
NicReport report_no_soft_nic(const Error& error);

// `inline_bytes` as verbs_inline_bytes() says.
NicReport report_device(const VerbsDevice& device, std::uint32_t inline_bytes);

}  // namespace mapwire::tools
