// What goes wrong with an RDMA device, injected where libibverbs stands: each fault has a code, and
// a sentence that names the object, the cause and the next command. The sentences are held here.
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/connection_manager.h"
#include "mapwire/runtime/verbs/verbs_nic.h"
#include "tests/runtime/verbs/fake_verbs.h"

namespace mapwire::verbs {
namespace {

constexpr proto::IpAddress kElsewhere{.bytes = {10, 8, 0, 1}};
constexpr std::uint32_t kMemlockBytes = 65536;

std::unique_ptr<Nic> nic_of(const VerbsNicOptions& options = {}) {
  const RefusedCalls refused = std::exchange(fake_verbs().refused, {});
  auto nic = make_verbs_nic(options);
  EXPECT_TRUE(nic) << nic.error().message;
  fake_verbs().refused = refused;
  return nic ? std::move(*nic) : nullptr;
}

template <class T>
Error error_of(const std::expected<T, Error>& result) {
  return result ? Error{} : result.error();
}

// What a program does when it meets the fault. Everything before that step works.
Error opens_a_nic() { return error_of(make_verbs_nic({})); }
Error opens_a_nic_by_name() { return error_of(make_verbs_nic({.device = "rxe9"})); }
Error opens_a_queue_pair() { return error_of(nic_of()->open_queue_pair({}, kLocal, kPeer)); }
Error opens_a_queue_pair_elsewhere() {
  return error_of(nic_of()->open_queue_pair({}, kElsewhere, kPeer));
}
Error opens_more_than_completions() {
  return error_of(
      nic_of({.device = {}, .completion_entries = 100})->open_queue_pair({}, kLocal, kPeer));
}
Error opens_too_long_queues() {
  return error_of(nic_of()->open_queue_pair({.send_entries = 2048}, kLocal, kPeer));
}
Error registers_memory() {
  static std::array<std::byte, 4096> memory;
  return error_of(nic_of()->register_memory(memory, {}, 1));
}
Error connects_to(const QueuePairAddress& address) {
  const auto nic = nic_of();
  const auto ours = nic->open_queue_pair({}, kLocal, kPeer);
  if (!ours) return ours.error();
  return error_of(nic->connect_queue_pair(ours->qpn, {.address = address, .path_mtu = 1024}, 0));
}
Error connects() { return connects_to({.udp = {.ip = kPeer, .port = 4791}, .qpn = 18}); }
Error connects_to_a_wrong_qpn() {
  return connects_to({.udp = {.ip = kPeer, .port = 4791}, .qpn = 1U << 24U});
}
Error connects_to_another_port() {
  return connects_to({.udp = {.ip = kPeer, .port = 50000}, .qpn = 18});
}
Error listens_by_rdma_cm() {
  return error_of(nic_of()->connection_manager()->listen({.ip = kLocal, .port = 7174}));
}
Error connects_by_rdma_cm(std::span<const std::byte> private_data) {
  CmConnect request;
  request.local = kLocal;
  request.service = {.ip = kPeer, .port = 7174};
  request.private_data = private_data;
  return error_of(nic_of()->connection_manager()->connect(request, 0));
}
Error connects_by_rdma_cm() { return connects_by_rdma_cm({}); }
Error connects_with_much_private_data() {
  static std::array<std::byte, 57> data;
  return connects_by_rdma_cm(data);
}

struct Fault {
  const char* name;
  void (*inject)(FakeVerbs&);
  Error (*meet)();
  Code code;
  ErrorScope scope;
  std::string_view message;
};

std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << fault.name; }

using Machine = FakeVerbs;

constexpr auto kFaults = std::to_array<Fault>({
    {"a_kernel_without_rdma", [](Machine& machine) { machine.refused.get_device_list = ENOSYS; },
     opens_a_nic, Code::kNoUsableNic, ErrorScope::kProcess,
     "verbs NIC: no RDMA device; `mapwire doctor` says what is missing and how to mend it, or use "
     "the soft NIC (MAPWIRE_NIC=soft)"},
    {"a_guest_without_rxe", [](Machine& machine) { machine.has_device = false; }, opens_a_nic,
     Code::kNoUsableNic, ErrorScope::kProcess,
     "verbs NIC: no RDMA device; `mapwire doctor` says what is missing and how to mend it, or use "
     "the soft NIC (MAPWIRE_NIC=soft)"},
    {"devices_that_may_not_be_listed",
     [](Machine& machine) { machine.refused.get_device_list = EACCES; }, opens_a_nic,
     Code::kPermission, ErrorScope::kProcess,
     "list of RDMA devices: Permission denied; see `ls -l /sys/class/infiniband_verbs`, which must "
     "be readable"},
    {"no_device_of_that_name", [](Machine&) {}, opens_a_nic_by_name, Code::kNoUsableNic,
     ErrorScope::kProcess,
     "RDMA device rxe9 is not there: rxe0 port 1 GID 0 fe80::1 (RoCE v2, lo): usable; rxe0 port 1 "
     "GID 1 10.9.0.1 (RoCE v2, lo): usable; name one that is there; `mapwire info` lists them"},
    {"no_permission_on_the_node", [](Machine& machine) { machine.refused.open_device = EACCES; },
     opens_a_nic, Code::kPermission, ErrorScope::kDevice,
     "RDMA device rxe0: Permission denied; let this user open its node: `chmod a+rw "
     "/dev/infiniband/uverbs*`"},
    {"no_node_in_the_container", [](Machine& machine) { machine.refused.open_device = ENOENT; },
     opens_a_nic, Code::kSystemCall, ErrorScope::kDevice,
     "RDMA device rxe0: No such file or directory; give the container its node: `docker run "
     "--device /dev/infiniband`"},
    {"a_device_that_went_away", [](Machine& machine) { machine.refused.open_device = ENODEV; },
     opens_a_nic, Code::kSystemCall, ErrorScope::kDevice,
     "RDMA device rxe0: No such device; check with `ibv_devinfo` that the device works"},
    {"a_port_that_is_down", [](Machine& machine) { machine.port.state = IBV_PORT_DOWN; },
     opens_a_nic, Code::kNoUsableNic, ErrorScope::kProcess,
     "verbs NIC: rxe0 port 1 GID 0 fe80::1 (RoCE v2, lo): its port is down; rxe0 port 1 GID 1 "
     "10.9.0.1 (RoCE v2, lo): its port is down; `mapwire doctor` says what is missing and how to "
     "mend it, or use the soft NIC (MAPWIRE_NIC=soft)"},
    {"a_device_without_addresses", [](Machine& machine) { machine.gids.clear(); }, opens_a_nic,
     Code::kNoUsableNic, ErrorScope::kProcess,
     "verbs NIC: rxe0: has no addresses; give its network interface one; `mapwire doctor` says "
     "what is missing and how to mend it, or use the soft NIC (MAPWIRE_NIC=soft)"},
    {"no_routable_gid",
     [](Machine& machine) {
       for (ibv_gid_entry& entry : machine.gids) entry.gid_type = IBV_GID_TYPE_ROCE_V1;
     },
     opens_a_nic, Code::kNoUsableNic, ErrorScope::kProcess,
     "verbs NIC: rxe0 port 1 GID 0 fe80::1 (RoCE v1, lo): is RoCE v1, not RoCE v2; rxe0 port 1 GID "
     "1 10.9.0.1 (RoCE v1, lo): is RoCE v1, not RoCE v2; `mapwire doctor` says what is missing and "
     "how to mend it, or use the soft NIC (MAPWIRE_NIC=soft)"},
    {"a_route_over_another_interface", [](Machine&) {}, opens_a_queue_pair_elsewhere,
     Code::kNoUsableNic, ErrorScope::kEndpoint,
     "RDMA device rxe0: has no RoCE v2 GID for the local address 10.8.0.1 (rxe0 port 1 GID 0 "
     "fe80::1 (RoCE v2, lo): is not 10.8.0.1; rxe0 port 1 GID 1 10.9.0.1 (RoCE v2, lo): is not "
     "10.8.0.1); connect over an address of its interface (`mapwire info ADDRESS` tells whether "
     "one fits), or use the soft NIC (MAPWIRE_NIC=soft)"},
    {"too_many_open_files", [](Machine& machine) { machine.refused.create_comp_channel = EMFILE; },
     opens_a_nic, Code::kLimitReached, ErrorScope::kDevice,
     "RDMA device rxe0: completion channel: Too many open files; allow more open files: `ulimit "
     "-n`"},
    {"no_memory_for_completions", [](Machine& machine) { machine.refused.create_cq = ENOMEM; },
     opens_a_nic, Code::kOutOfMemory, ErrorScope::kDevice,
     "RDMA device rxe0: completion queue: Cannot allocate memory; allow more locked memory "
     "(`ulimit -l unlimited`) or use smaller queues"},
    {"a_full_completion_queue", [](Machine&) {}, opens_more_than_completions, Code::kLimitReached,
     ErrorScope::kEndpoint,
     "RDMA device rxe0: 0 of its 100 completion entries are taken, 128 are wanted; use smaller "
     "queues or close some"},
    {"queues_longer_than_the_device_has", [](Machine&) {}, opens_too_long_queues,
     Code::kInvalidArgument, ErrorScope::kEndpoint,
     "queue pair: 2048 entries; choose a power of two 1..1024"},
    {"no_queue_pair_left", [](Machine& machine) { machine.refused.create_qp = ENOSPC; },
     opens_a_queue_pair, Code::kLimitReached, ErrorScope::kDevice,
     "RDMA device rxe0: queue pair: No space left on device; close what is not needed; `mapwire "
     "info` has the limits"},
    {"a_queue_pair_the_device_refuses",
     [](Machine& machine) { machine.refused.create_qp = EINVAL; }, opens_a_queue_pair,
     Code::kSystemCall, ErrorScope::kDevice,
     "RDMA device rxe0: queue pair: Invalid argument; use smaller queues; `mapwire info` has the "
     "limits"},
    {"locked_memory_exhausted", [](Machine& machine) { machine.refused.reg_mr = ENOMEM; },
     registers_memory, Code::kOutOfMemory, ErrorScope::kRequest,
     "RDMA device rxe0: region of 4096 bytes (RLIMIT_MEMLOCK is 65536 bytes): Cannot allocate "
     "memory; allow more locked memory (`ulimit -l unlimited`), or register less"},
    {"memory_that_is_not_mapped", [](Machine& machine) { machine.refused.reg_mr = EFAULT; },
     registers_memory, Code::kInvalidArgument, ErrorScope::kRequest,
     "RDMA device rxe0: region of 4096 bytes (RLIMIT_MEMLOCK is 65536 bytes): Bad address; "
     "register memory that is mapped, and writable if it has such a right"},
    {"no_region_left", [](Machine& machine) { machine.refused.reg_mr = ENOSPC; }, registers_memory,
     Code::kLimitReached, ErrorScope::kRequest,
     "RDMA device rxe0: region of 4096 bytes (RLIMIT_MEMLOCK is 65536 bytes): No space left on "
     "device; register less, or fewer regions; `mapwire info` has the limits"},
    {"a_peer_that_no_neighbour_knows",
     [](Machine& machine) { machine.refused.modify_to_rtr = ETIMEDOUT; }, connects,
     Code::kSystemCall, ErrorScope::kEndpoint,
     "RDMA device rxe0: queue pair 17 to RTR towards 10.9.0.2: Connection timed out; check with "
     "`ip neigh` that the peer answers, and that the link is up"},
    {"a_peer_that_is_not_routed_to",
     [](Machine& machine) { machine.refused.modify_to_rtr = EINVAL; }, connects, Code::kSystemCall,
     ErrorScope::kEndpoint,
     "RDMA device rxe0: queue pair 17 to RTR towards 10.9.0.2: Invalid argument; check that the "
     "peer's address is of the same family and routed there (`ip route get`)"},
    {"a_queue_pair_number_that_is_none", [](Machine&) {}, connects_to_a_wrong_qpn,
     Code::kInvalidArgument, ErrorScope::kEndpoint,
     "queue pair 17: the peer is queue pair 16777216 at 10.9.0.2:4791, which no RDMA device "
     "reaches; a soft NIC needs MAPWIRE_UDP_PORT=4791"},
    {"a_peer_at_another_port", [](Machine&) {}, connects_to_another_port, Code::kInvalidArgument,
     ErrorScope::kEndpoint,
     "queue pair 17: the peer is queue pair 18 at 10.9.0.2:50000, which no RDMA device reaches; a "
     "soft NIC needs MAPWIRE_UDP_PORT=4791"},
    {"no_permission_on_the_connection_manager",
     [](Machine& machine) { machine.refused.create_event_channel = EACCES; }, listens_by_rdma_cm,
     Code::kPermission, ErrorScope::kProcess,
     "connection manager of the kernel (/dev/infiniband/rdma_cm): Permission denied; let this "
     "user open its node: `chmod a+rw /dev/infiniband/rdma_cm`"},
    {"a_kernel_without_its_connection_manager",
     [](Machine& machine) { machine.refused.create_event_channel = ENOENT; }, connects_by_rdma_cm,
     Code::kSystemCall, ErrorScope::kProcess,
     "connection manager of the kernel (/dev/infiniband/rdma_cm): No such file or directory; load "
     "its module: `modprobe rdma_ucm`"},
    {"a_listener_at_an_address_of_no_device",
     [](Machine& machine) { machine.refused.bind_addr = ENODEV; }, listens_by_rdma_cm,
     Code::kNoUsableNic, ErrorScope::kRequest,
     "RDMA device rxe0: rdma:// at 10.9.0.1:7174: No such device; name an address of an RDMA "
     "device; `mapwire info` lists them"},
    {"a_port_that_has_a_listener", [](Machine& machine) { machine.refused.bind_addr = EADDRINUSE; },
     listens_by_rdma_cm, Code::kAddressInUse, ErrorScope::kRequest,
     "RDMA device rxe0: rdma:// at 10.9.0.1:7174: Address already in use; name another port, or "
     "end who listens there"},
    {"a_connection_from_an_address_of_no_device",
     [](Machine& machine) { machine.refused.resolve_addr = ENODEV; }, connects_by_rdma_cm,
     Code::kNoUsableNic, ErrorScope::kRequest,
     "RDMA device rxe0: rdma:// at 10.9.0.1:7174: No such device; name an address of an RDMA "
     "device; `mapwire info` lists them"},
    {"private_data_too_long_for_a_request", [](Machine&) {}, connects_with_much_private_data,
     Code::kInvalidArgument, ErrorScope::kRequest,
     "rdma:// connection: 57 bytes of private data, and 56 fit; send the rest in a message"},
});

class VerbsFault : public ::testing::TestWithParam<Fault> {
 protected:
  // The messages name the limit.
  void SetUp() override {
    ::getrlimit(RLIMIT_MEMLOCK, &memlock_);
    const rlimit low{.rlim_cur = std::min<rlim_t>(kMemlockBytes, memlock_.rlim_max),
                     .rlim_max = memlock_.rlim_max};
    ::setrlimit(RLIMIT_MEMLOCK, &low);
    fake_verbs() = {};
  }
  void TearDown() override { ::setrlimit(RLIMIT_MEMLOCK, &memlock_); }

 private:
  rlimit memlock_{};
};

TEST_P(VerbsFault, has_its_code_and_says_object_cause_and_next_step) {
  const Fault& fault = GetParam();
  fault.inject(fake_verbs());
  const Error error = fault.meet();
  EXPECT_EQ(name(error.code), name(fault.code));
  EXPECT_EQ(name(error.scope), name(fault.scope));
  EXPECT_EQ(error.message, fault.message);
}

INSTANTIATE_TEST_SUITE_P(faults, VerbsFault, ::testing::ValuesIn(kFaults),
                         [](const auto& test) { return std::string{test.param.name}; });

}  // namespace
}  // namespace mapwire::verbs
