// Requests that fail at an RDMA device: what the program is told of each, and what `mapwire
// explain` says to it.
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/verbs/verbs_nic.h"
#include "tests/runtime/verbs/fake_verbs.h"

namespace mapwire::verbs {
namespace {

using proto::WorkOpcode;

constexpr std::uint64_t kDeadlineNs = 2'000'000'000;

struct RequestFault {
  const char* name;
  WorkOpcode opcode;
  void (*inject)(FakeVerbs&);  // the queue pair is connected, the request not yet posted
  Code status;                 // of the request
  Code event;                  // of the queue pair
  std::string_view cause;      // of `event`, as `mapwire explain` has it
  std::string_view next_step;
};

std::ostream& operator<<(std::ostream& out, const RequestFault& fault) { return out << fault.name; }

using Machine = FakeVerbs;

void push_event(Machine& machine, ibv_event_type type) {
  ibv_async_event event{};
  event.event_type = type;
  event.element.qp = machine.last_pair;
  machine.sends_end = false;
  machine.events.push_back(event);
}

constexpr auto kRequestFaults = std::to_array<RequestFault>({
    {"a_wrong_queue_pair_number", WorkOpcode::kSend,
     [](Machine& machine) { machine.send_status = IBV_WC_RETRY_EXC_ERR; }, Code::kRetryExceeded,
     Code::kRetryExceeded,
     "The link is cut, a firewall drops UDP, the peer is stopped or dead, or its queue pair is "
     "gone.",
     "Check that the peer runs and the path is up; raise MAPWIRE_DEADLINE if it may be silent for "
     "longer."},
    {"a_device_that_never_gives_up", WorkOpcode::kWrite,
     [](Machine& machine) { machine.sends_end = false; }, Code::kRetryExceeded,
     Code::kRetryExceeded,
     "The link is cut, a firewall drops UDP, the peer is stopped or dead, or its queue pair is "
     "gone.",
     "Check that the peer runs and the path is up; raise MAPWIRE_DEADLINE if it may be silent for "
     "longer."},
    {"a_peer_without_receives", WorkOpcode::kSend,
     [](Machine& machine) { machine.sends_end = false; }, Code::kRnrRetryExceeded,
     Code::kRnrRetryExceeded,
     "The receiver is slower than the sender, and the plain profile has no credits to hold the "
     "sender back.",
     "Post more receives earlier, or use the mapwire profile."},
    {"an_old_key", WorkOpcode::kWrite,
     [](Machine& machine) { machine.send_status = IBV_WC_REM_ACCESS_ERR; }, Code::kRemoteAccess,
     Code::kRemoteAccess,
     "The key is old, the range leaves the region, or the region was registered without the "
     "right.",
     "Check the RemoteBuffer against the region that the peer described."},
    {"a_request_that_the_peer_refuses", WorkOpcode::kSend,
     [](Machine& machine) { machine.send_status = IBV_WC_REM_INV_REQ_ERR; },
     Code::kRemoteInvalidRequest, Code::kRemoteInvalidRequest,
     "The message was longer than the peer's receive buffer, or more READs were sent than it "
     "serves at once.",
     "Compare the message with the receives of the peer, whose own completion says more."},
    {"a_peer_in_error", WorkOpcode::kSend,
     [](Machine& machine) { machine.send_status = IBV_WC_REM_OP_ERR; }, Code::kRemoteOperational,
     Code::kRemoteOperational, "The peer's own buffers or queues were in error.",
     "Look at the completions and the log of the peer."},
    {"a_region_that_is_gone", WorkOpcode::kSend,
     [](Machine& machine) { machine.send_status = IBV_WC_LOC_PROT_ERR; }, Code::kLocalProtection,
     Code::kLocalProtection,
     "The region was deregistered, the range runs past its end, or the key belongs to another "
     "region.",
     "Keep the region registered until the completion and check the slice."},
    {"a_device_that_fails_a_request", WorkOpcode::kSend,
     [](Machine& machine) { machine.send_status = IBV_WC_FATAL_ERR; }, Code::kDeviceFailed,
     Code::kDeviceFailed,
     "It was removed or reset, its driver failed, or its completion queue ran over.",
     "Look at `dmesg` and `mapwire doctor`, then make a new context."},
    {"a_request_that_the_device_refuses", WorkOpcode::kSend,
     [](Machine& machine) { machine.refused.post_send = EINVAL; }, Code::kInvalidDescriptor,
     Code::kInvalidDescriptor,
     "Memory of the queue was overwritten, or it was filled by another version.",
     "Run the program under AddressSanitizer and compare the versions."},
    {"a_queue_pair_in_error", WorkOpcode::kSend,
     [](Machine& machine) { push_event(machine, IBV_EVENT_QP_FATAL); }, Code::kFlushed,
     Code::kRemoteInvalidRequest,
     "The message was longer than the peer's receive buffer, or more READs were sent than it "
     "serves at once.",
     "Compare the message with the receives of the peer, whose own completion says more."},
    {"a_completion_queue_that_ran_over", WorkOpcode::kSend,
     [](Machine& machine) { push_event(machine, IBV_EVENT_CQ_ERR); }, Code::kFlushed,
     Code::kDeviceFailed,
     "It was removed or reset, its driver failed, or its completion queue ran over.",
     "Look at `dmesg` and `mapwire doctor`, then make a new context."},
    {"a_device_that_died", WorkOpcode::kSend,
     [](Machine& machine) { push_event(machine, IBV_EVENT_DEVICE_FATAL); }, Code::kFlushed,
     Code::kDeviceFailed,
     "It was removed or reset, its driver failed, or its completion queue ran over.",
     "Look at `dmesg` and `mapwire doctor`, then make a new context."},
});

class FailedRequest : public ::testing::TestWithParam<RequestFault> {
 protected:
  void SetUp() override {
    fake_verbs() = {};
    auto nic = make_verbs_nic({});
    ASSERT_TRUE(nic) << nic.error().message;
    nic_ = std::move(*nic);
    const auto pair = nic_->open_queue_pair({.deadline_ns = kDeadlineNs}, kLocal, kPeer);
    ASSERT_TRUE(pair) << pair.error().message;
    qpn_ = pair->qpn;
    const QueuePairPeer peer{.address = {.udp = {.ip = kPeer, .port = 4791}, .qpn = 18},
                             .path_mtu = 1024};
    ASSERT_TRUE(nic_->connect_queue_pair(qpn_, peer, 0));
  }

  std::unique_ptr<Nic> nic_;
  Qpn qpn_ = 0;
};

TEST_P(FailedRequest, completes_once_with_its_code_and_the_queue_pair_says_why) {
  const RequestFault& fault = GetParam();
  fault.inject(fake_verbs());
  ASSERT_TRUE(nic_->post_send(qpn_, {.cookie = 7, .opcode = fault.opcode}, 0));
  std::array<proto::CompletionEntry, 4> completions;
  // A request that nobody completes waits for its deadline from this poll on.
  const std::size_t at_once = nic_->poll(completions, 0).completions;
  ASSERT_EQ(at_once + nic_->poll(completions, kDeadlineNs).completions, 1U);
  EXPECT_EQ(completions[0].cookie, 7U);
  EXPECT_EQ(name(static_cast<Code>(completions[0].status)), name(fault.status));
  EXPECT_EQ(nic_->poll(completions, 2 * kDeadlineNs).completions, 0U);

  std::array<AsyncEvent, 4> events;
  ASSERT_EQ(nic_->poll_async(events), 1U);
  EXPECT_EQ(events[0].qpn, qpn_);
  EXPECT_EQ(name(events[0].code), name(fault.event));
  EXPECT_EQ(code_entry(fault.event).cause, fault.cause);
  EXPECT_EQ(code_entry(fault.event).next_step, fault.next_step);
}

INSTANTIATE_TEST_SUITE_P(faults, FailedRequest, ::testing::ValuesIn(kRequestFaults),
                         [](const auto& test) { return std::string{test.param.name}; });

}  // namespace
}  // namespace mapwire::verbs
