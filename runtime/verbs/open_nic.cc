// From the list of devices to a NIC.
#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/proto/packet.h"
#include "mapwire/runtime/log.h"
#include "mapwire/runtime/verbs/failures.h"
#include "mapwire/runtime/verbs/open_device.h"
#include "mapwire/runtime/verbs/verbs_nic_impl.h"

namespace mapwire::verbs {
namespace {

// Enough for endpoints' longest queue with its internal entries; a power of two.
constexpr std::uint32_t kQueueEntriesMax = 8192;
// Responder resources cost memory of the device for each queue pair.
constexpr std::uint32_t kReadAtomicMax = 32;

bool has_usable_address(const VerbsDevice& device) {
  return std::ranges::any_of(device.gids, [&](const VerbsGid& gid) {
    const auto port = std::ranges::find(device.ports, gid.port, &VerbsPort::number);
    return gid.type == GidType::kRoceV2 && port != device.ports.end() && port->active;
  });
}

std::expected<VerbsDevice, Error> choose_device(const std::string& wanted) {
  auto devices = list_verbs_devices();
  if (!devices) return std::unexpected(devices.error());
  for (const VerbsDevice& device : *devices) {
    if (wanted.empty() ? has_usable_address(device) : device.name == wanted) return device;
  }
  const auto refused = std::ranges::find_if(*devices, [&](const VerbsDevice& device) {
    return device.open_errno != 0 && wanted.empty();
  });
  if (refused != devices->end()) {
    return std::unexpected(open_refused(refused->name, refused->open_errno));
  }
  return std::unexpected(no_device(wanted, judge_candidates(*devices, std::nullopt)));
}

// See verbs_nic.h; must come before the first region of the process.
void prepare_for_fork() {
  if (ibv_is_fork_initialized() != IBV_FORK_DISABLED) return;
  if (ibv_fork_init() != 0) {
    log(LogLevel::kWarn,
        "verbs NIC: another library registered memory before; do not fork this process");
  }
}

std::expected<DeviceObjects, Error> make_objects(const VerbsDevice& device,
                                                 std::uint32_t completion_entries) {
  auto context = open_device(device.name);
  if (!context) return std::unexpected(open_refused(device.name, context.error()));
  ChannelHandle channel{ibv_create_comp_channel(context->get())};
  if (!channel) {
    return std::unexpected(object_refused(device.name, "completion channel", errno));
  }
  CompletionQueueHandle completions{ibv_create_cq(
      context->get(), static_cast<int>(completion_entries), nullptr, channel.get(), 0)};
  if (!completions) {
    return std::unexpected(object_refused(device.name, "completion queue", errno));
  }
  auto events = EventDescriptors::create(device.name, context->get(), channel.get());
  if (!events) return std::unexpected(events.error());
  return DeviceObjects{.context = std::move(*context),
                       .channel = std::move(channel),
                       .completions = std::move(completions),
                       .events = std::move(*events)};
}

}  // namespace

std::expected<std::unique_ptr<Nic>, Error> make_verbs_nic(const VerbsNicOptions& options) {
  const auto device = choose_device(options.device);
  if (!device) return std::unexpected(device.error());
  const std::uint32_t completion_entries =
      std::min(options.completion_entries, device->completion_entries_max);
  prepare_for_fork();
  auto objects = make_objects(*device, completion_entries);
  if (!objects) return std::unexpected(objects.error());
  NicAttributes attributes{
      .name = std::string{kVerbsNic},
      .wire = device->name,
      .foreign = true,
      .memory_regions_max = device->regions_max,
      .queue_pairs_max = std::min(options.queue_pairs_max, device->queue_pairs_max),
      .queue_entries_max = std::min(kQueueEntriesMax, std::bit_floor(device->queue_entries_max)),
      .completion_entries = completion_entries,
      .read_atomic_max = std::min(kReadAtomicMax, device->read_atomic_max),
      .path_mtu_max = proto::kPathMtuMax};
  return std::make_unique<VerbsNic>(std::move(*objects), std::move(attributes), device->name);
}

}  // namespace mapwire::verbs
