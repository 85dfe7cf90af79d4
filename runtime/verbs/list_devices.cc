#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/runtime/verbs/failures.h"
#include "mapwire/runtime/verbs/gid.h"
#include "mapwire/runtime/verbs/handles.h"
#include "mapwire/runtime/verbs/open_device.h"
#include "mapwire/runtime/verbs/verbs_device.h"

namespace mapwire {
namespace {

// Of each port; the kernel's own default is 256 or less for all RoCE drivers.
constexpr std::size_t kGidsMax = 1024;

std::uint32_t mtu_bytes(ibv_mtu mtu) { return 128U << mtu; }  // IBV_MTU_256 is 1

std::uint32_t positive(int value) { return value > 0 ? static_cast<std::uint32_t>(value) : 0; }

GidType gid_type(std::uint32_t type) {
  if (type == IBV_GID_TYPE_ROCE_V2) return GidType::kRoceV2;
  return type == IBV_GID_TYPE_ROCE_V1 ? GidType::kRoceV1 : GidType::kInfiniBand;
}

std::string interface_name(std::uint32_t index) {
  std::array<char, IF_NAMESIZE> text{};
  return index != 0 && ::if_indextoname(index, text.data()) != nullptr ? text.data() : "";
}

void read_limits(ibv_context* context, VerbsDevice& device, std::uint8_t& ports) {
  ibv_device_attr attributes{};
  if (ibv_query_device(context, &attributes) != 0) return;
  device.firmware = attributes.fw_ver;
  device.queue_pairs_max = positive(attributes.max_qp);
  device.queue_entries_max = positive(attributes.max_qp_wr);
  device.completion_entries_max = positive(attributes.max_cqe);
  device.sge_max = positive(attributes.max_sge);
  device.regions_max = positive(attributes.max_mr);
  device.region_bytes_max = attributes.max_mr_size;
  device.read_atomic_max =
      positive(std::min(attributes.max_qp_rd_atom, attributes.max_qp_init_rd_atom));
  ports = attributes.phys_port_cnt;
  ibv_device_attr_ex extended{};
  if (ibv_query_device_ex(context, nullptr, &extended) == 0) {
    device.on_demand_paging = (extended.odp_caps.general_caps & IBV_ODP_SUPPORT) != 0;
  }
}

void read_port(ibv_context* context, std::uint8_t number, VerbsDevice& device) {
  ibv_port_attr attributes{};
  if (ibv_query_port(context, number, &attributes) != 0) return;
  device.ports.push_back({.number = number,
                          .active = attributes.state == IBV_PORT_ACTIVE,
                          .state = ibv_port_state_str(attributes.state),
                          .ethernet = attributes.link_layer == IBV_LINK_LAYER_ETHERNET,
                          .path_mtu = mtu_bytes(attributes.active_mtu),
                          .path_mtu_max = mtu_bytes(attributes.max_mtu),
                          .message_bytes_max = attributes.max_msg_sz});
}

void read_gids(ibv_context* context, VerbsDevice& device) {
  std::vector<ibv_gid_entry> entries(kGidsMax);
  const auto count = ibv_query_gid_table(context, entries.data(), entries.size(), 0);
  if (count <= 0) return;
  for (const ibv_gid_entry& entry : std::span{entries}.first(static_cast<std::size_t>(count))) {
    device.gids.push_back({.port = static_cast<std::uint8_t>(entry.port_num),
                           .index = entry.gid_index,
                           .type = gid_type(entry.gid_type),
                           .address = verbs::to_address(entry.gid),
                           .interface_name = interface_name(entry.ndev_ifindex)});
  }
}

VerbsDevice read_device(ibv_device* handle) {
  VerbsDevice device;
  device.name = ibv_get_device_name(handle);
  const auto opened = verbs::open_device(handle);
  if (!opened) {
    device.open_errno = opened.error();
    return device;
  }
  ibv_context* context = opened->get();
  std::uint8_t ports = 0;
  read_limits(context, device, ports);
  for (unsigned number = 1; number <= ports; ++number) {
    read_port(context, static_cast<std::uint8_t>(number), device);
  }
  read_gids(context, device);
  return device;
}

}  // namespace

std::expected<std::vector<VerbsDevice>, Error> list_verbs_devices() {
  int count = 0;
  const verbs::DeviceListHandle list{ibv_get_device_list(&count)};
  // ENOSYS: no part of the kernel knows RDMA. That is a machine without devices.
  if (!list && errno != ENOSYS) return std::unexpected(verbs::list_refused(errno));
  std::vector<VerbsDevice> devices;
  if (!list) return devices;
  for (ibv_device* device : std::span{list.get(), static_cast<std::size_t>(count)}) {
    devices.push_back(read_device(device));
  }
  return devices;
}

}  // namespace mapwire
