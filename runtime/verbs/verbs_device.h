// What RDMA devices this machine has, and which of their addresses a connection can use. For people
// and for tools; nothing of libibverbs shows.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/error.h"

namespace mapwire {

enum class GidType : std::uint8_t { kInfiniBand, kRoceV1, kRoceV2 };
std::string_view name(GidType type);  // "InfiniBand", "RoCE v1", "RoCE v2"

// An entry of a device's table of addresses. An IPv4 address is embedded in a GID as
// ::ffff:a.b.c.d.
struct VerbsGid {
  std::uint8_t port = 0;
  std::uint32_t index = 0;
  GidType type = GidType::kRoceV2;
  proto::IpAddress address;
  std::string interface_name;  // the network interface below; empty: none
};

struct VerbsPort {
  std::uint8_t number = 0;  // from 1
  bool active = false;
  std::string state;  // "active", "down"
  bool ethernet = false;
  std::uint32_t path_mtu = 0;      // bytes, what the port carries now
  std::uint32_t path_mtu_max = 0;  // bytes, what it could carry
  std::uint64_t message_bytes_max = 0;
};

struct VerbsDevice {
  std::string name;  // "rxe0"
  std::string firmware;
  std::uint32_t queue_pairs_max = 0;
  std::uint32_t queue_entries_max = 0;
  std::uint32_t completion_entries_max = 0;
  std::uint32_t sge_max = 0;  // elements of a request
  std::uint32_t regions_max = 0;
  std::uint64_t region_bytes_max = 0;
  std::uint32_t read_atomic_max = 0;
  bool on_demand_paging = false;
  std::vector<VerbsPort> ports;
  std::vector<VerbsGid> gids;
  int open_errno = 0;  // not 0: it cannot be opened, nothing above but the name is known
};

// All devices, in the kernel's order. None is no error. Errors: kSystemCall (the list is refused).
// Threads: any.
std::expected<std::vector<VerbsDevice>, Error> list_verbs_devices();

// How much data of a request a queue pair of the device takes into the request itself, as far as
// mapwire asks for it; 0: none, or the device cannot be opened. Makes a queue pair to find out.
// Threads: any.
std::uint32_t verbs_inline_bytes(const std::string& device);

// Of the library that this process runs with, "1.14.44.0"; empty: it is no file of its own.
// Threads: any.
std::string libibverbs_version();

// An address of a device, judged for a connection from `local`.
struct VerbsCandidate {
  std::string device;
  VerbsGid gid;
  std::uint32_t path_mtu = 0;
  std::string rejection;  // why it is not used; empty: it is usable
};

// Judges every address of every device, and devices without any: usable is a RoCE v2 GID of an
// active port that is `local`; any address will do if none is given. The local address is the one
// that the kernel's routing picks for the peer, so the route decides the device, the port and the
// GID.
std::vector<VerbsCandidate> judge_candidates(const std::vector<VerbsDevice>& devices,
                                             const std::optional<proto::IpAddress>& local);

// The candidates as one line, "rxe0 port 1 GID 0 fe80::1 (RoCE v2, v0): not the local address;
// ...".
std::string describe(const std::vector<VerbsCandidate>& candidates);

}  // namespace mapwire
