#include "tests/runtime/verbs/fake_verbs.h"

#include <net/if.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/verbs/gid.h"

// The header turns these calls into inline functions that call these.
#undef ibv_query_port
#undef ibv_reg_mr

namespace mapwire::verbs {
namespace {

constexpr std::uint32_t kFirstQpn = 17;
constexpr std::uint32_t kKey = 0x1234;

ibv_gid_entry gid_entry(std::uint32_t index, const proto::IpAddress& address) {
  ibv_gid_entry entry{};
  entry.gid = to_ibv_gid(address);
  entry.gid_index = index;
  entry.port_num = 1;
  entry.gid_type = IBV_GID_TYPE_ROCE_V2;
  entry.ndev_ifindex = ::if_nametoindex("lo");
  return entry;
}

int poll(ibv_cq* /*queue*/, int max, ibv_wc* out) {
  auto& waiting = fake_verbs().completions;
  const auto count = std::min(waiting.size(), static_cast<std::size_t>(max));
  std::copy_n(waiting.begin(), count, out);
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count));
  return static_cast<int>(count);
}

int post_send(ibv_qp* pair, ibv_send_wr* request, ibv_send_wr** bad) {
  const FakeVerbs& machine = fake_verbs();
  *bad = request;
  if (machine.refused.post_send != 0 || !machine.sends_end) return machine.refused.post_send;
  ibv_wc completion{};
  completion.wr_id = request->wr_id;
  completion.status = machine.send_status;
  completion.qp_num = pair->qp_num;
  fake_verbs().completions.push_back(completion);
  return 0;
}

int post_receive(ibv_qp* /*pair*/, ibv_recv_wr* /*request*/, ibv_recv_wr** /*bad*/) { return 0; }
int request_notification(ibv_cq* /*queue*/, int /*solicited*/) { return 0; }

// Whether a call with this errno in RefusedCalls fails now.
bool refuses(int refusal) {
  errno = refusal;
  return refusal != 0;
}

}  // namespace

FakeVerbs::FakeVerbs() {
  port.state = IBV_PORT_ACTIVE;
  port.active_mtu = IBV_MTU_4096;
  port.max_mtu = IBV_MTU_4096;
  port.link_layer = IBV_LINK_LAYER_ETHERNET;
  proto::IpAddress link_local{.family = proto::IpFamily::kV6};
  link_local.bytes[0] = 0xfe;
  link_local.bytes[1] = 0x80;
  link_local.bytes[15] = 1;
  gids = {gid_entry(0, link_local), gid_entry(1, {.bytes = {10, 9, 0, 1}})};
}

FakeVerbs& fake_verbs() {
  static FakeVerbs machine;
  return machine;
}

}  // namespace mapwire::verbs

using mapwire::verbs::fake_verbs;
using mapwire::verbs::refuses;

extern "C" {

ibv_device** ibv_get_device_list(int* num_devices) {
  static ibv_device device{};
  if (refuses(fake_verbs().refused.get_device_list)) return nullptr;
  std::strcpy(device.name, "rxe0");
  *num_devices = fake_verbs().has_device ? 1 : 0;
  auto list = std::make_unique<ibv_device*[]>(2);
  list[0] = *num_devices == 1 ? &device : nullptr;
  return list.release();
}

void ibv_free_device_list(ibv_device** list) { delete[] list; }

const char* ibv_get_device_name(ibv_device* device) { return device->name; }

ibv_context* ibv_open_device(ibv_device* device) {
  if (refuses(fake_verbs().refused.open_device)) return nullptr;
  auto context = std::make_unique<ibv_context>();
  context->device = device;
  context->async_fd = ::eventfd(0, EFD_CLOEXEC);
  context->ops.poll_cq = mapwire::verbs::poll;
  context->ops.post_send = mapwire::verbs::post_send;
  context->ops.post_recv = mapwire::verbs::post_receive;
  context->ops.req_notify_cq = mapwire::verbs::request_notification;
  return context.release();
}

int ibv_close_device(ibv_context* context) {
  ::close(context->async_fd);
  delete context;
  return 0;
}

int ibv_query_device(ibv_context* /*context*/, ibv_device_attr* device_attr) {
  *device_attr = {};
  device_attr->phys_port_cnt = 1;
  device_attr->max_qp = 64;
  device_attr->max_qp_wr = 1024;
  device_attr->max_cqe = 4096;
  device_attr->max_mr = 64;
  device_attr->max_sge = 32;
  device_attr->max_qp_rd_atom = device_attr->max_qp_init_rd_atom = 16;
  return 0;
}

int ibv_query_port(ibv_context* /*context*/, std::uint8_t /*number*/,
                   struct _compat_ibv_port_attr* port_attr) {
  // The fields that both have stand first, up to link_layer and its flags.
  std::memcpy(port_attr, &fake_verbs().port, offsetof(ibv_port_attr, port_cap_flags2));
  return 0;
}

ssize_t _ibv_query_gid_table(ibv_context* /*context*/, ibv_gid_entry* entries, std::size_t max,
                             std::uint32_t /*flags*/, std::size_t /*entry_bytes*/) {
  const auto& gids = fake_verbs().gids;
  std::copy_n(gids.begin(), std::min(max, gids.size()), entries);
  return static_cast<ssize_t>(gids.size());
}

ibv_pd* ibv_alloc_pd(ibv_context* context) {
  if (refuses(fake_verbs().refused.alloc_pd)) return nullptr;
  return new ibv_pd{.context = context, .handle = 0};
}

int ibv_dealloc_pd(ibv_pd* pd) {
  delete pd;
  return 0;
}

ibv_comp_channel* ibv_create_comp_channel(ibv_context* context) {
  if (refuses(fake_verbs().refused.create_comp_channel)) return nullptr;
  return new ibv_comp_channel{.context = context, .fd = ::eventfd(0, EFD_CLOEXEC), .refcnt = 0};
}

int ibv_destroy_comp_channel(ibv_comp_channel* channel) {
  ::close(channel->fd);
  delete channel;
  return 0;
}

ibv_cq* ibv_create_cq(ibv_context* context, int cqe, void* /*user*/, ibv_comp_channel* channel,
                      int /*vector*/) {
  if (refuses(fake_verbs().refused.create_cq)) return nullptr;
  auto queue = std::make_unique<ibv_cq>();
  queue->context = context;
  queue->channel = channel;
  queue->cqe = cqe;
  return queue.release();
}

int ibv_destroy_cq(ibv_cq* cq) {
  delete cq;
  return 0;
}

int ibv_get_cq_event(ibv_comp_channel* /*channel*/, ibv_cq** /*queue*/, void** /*user*/) {
  return -1;
}
void ibv_ack_cq_events(ibv_cq* /*queue*/, unsigned /*count*/) {}

int ibv_get_async_event(ibv_context* /*context*/, ibv_async_event* event) {
  auto& events = fake_verbs().events;
  if (events.empty()) return -1;
  *event = events.front();
  events.pop_front();
  return 0;
}
void ibv_ack_async_event(ibv_async_event* /*event*/) {}

ibv_qp* ibv_create_qp(ibv_pd* pd, ibv_qp_init_attr* qp_init_attr) {
  if (refuses(fake_verbs().refused.create_qp)) return nullptr;
  auto pair = std::make_unique<ibv_qp>();
  pair->context = pd->context;
  pair->pd = pd;
  pair->qp_num = mapwire::verbs::kFirstQpn;
  pair->send_cq = qp_init_attr->send_cq;
  fake_verbs().last_pair = pair.get();
  return pair.release();
}

int ibv_modify_qp(ibv_qp* /*pair*/, ibv_qp_attr* attributes, int /*mask*/) {
  const auto& refused = fake_verbs().refused;
  if (attributes->qp_state == IBV_QPS_INIT) return refused.modify_to_init;
  if (attributes->qp_state == IBV_QPS_RTR) return refused.modify_to_rtr;
  return attributes->qp_state == IBV_QPS_RTS ? refused.modify_to_rts : 0;
}

int ibv_destroy_qp(ibv_qp* qp) {
  delete qp;
  return 0;
}

ibv_mr* ibv_reg_mr(ibv_pd* pd, void* addr, std::size_t length, int /*access*/) {
  if (refuses(fake_verbs().refused.reg_mr)) return nullptr;
  auto region = std::make_unique<ibv_mr>();
  region->context = pd->context;
  region->pd = pd;
  region->addr = addr;
  region->length = length;
  region->lkey = region->rkey = mapwire::verbs::kKey;
  return region.release();
}

ibv_mr* ibv_reg_mr_iova2(ibv_pd* pd, void* addr, std::size_t length, std::uint64_t /*iova*/,
                         unsigned access) {
  return ibv_reg_mr(pd, addr, length, static_cast<int>(access));
}

int ibv_dereg_mr(ibv_mr* mr) {
  delete mr;
  return 0;
}

}  // extern "C"
