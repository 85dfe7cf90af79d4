// What becomes of outstanding requests when the peer dies, stops, is cut off, or merely sleeps.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/choose_nic.h"
#include "mapwire/endpoints/detail/context_impl.h"
#include "mapwire/nic_fw/fault_wire.h"
#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/udp_wire.h"
#include "tests/endpoints/counter_reaches.h"
#include "tests/endpoints/pair.h"
#include "tests/endpoints/peer_process.h"

namespace mapwire {
namespace {

using testing::kPatienceNs;
using testing::kSecondNs;
using testing::next_completion;
using testing::PeerProcess;
using testing::value_of;
using Clock = std::chrono::steady_clock;

// The deadline of these tests, and what a loaded machine may take beyond it.
constexpr std::uint64_t kDeadlineNs = 2 * kSecondNs;
constexpr std::chrono::seconds kDeadlineAndSlack{2 + 8};

RemoteBuffer remote_of(const Endpoint& endpoint) {
  RemoteBuffer remote;
  EXPECT_EQ(endpoint.private_data().size(), sizeof(remote));
  std::memcpy(&remote, endpoint.private_data().data(), sizeof(remote));
  return remote;
}

class PeerDeathTest : public ::testing::Test {
 protected:
  Endpoint accept() { return value_of(listener_.accept(kPatienceNs)); }

  // A send that the peer has no receive for, and three receives.
  void post_four(Endpoint& endpoint) {
    ASSERT_EQ(endpoint.post_send(bytes_, 1), Code::kOk);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(endpoint.post_receive(bytes_, 2), Code::kOk);
  }

  void expect_four(Code status) {
    const auto begin = Clock::now();
    for (int i = 0; i < 4; ++i) EXPECT_EQ(next_completion(context_).status, status) << i;
    EXPECT_LT(Clock::now() - begin, kDeadlineAndSlack);
  }

  void expect_works(Endpoint& endpoint) {
    ASSERT_EQ(endpoint.post_write(bytes_, remote_of(endpoint), 9), Code::kOk);
    const Completion written = next_completion(context_);
    EXPECT_EQ(written.status, Code::kOk);
    EXPECT_EQ(written.endpoint, endpoint.id());
  }

  Context context_ = value_of(Context::create());
  Listener listener_ = value_of(
      context_.listen({.address = "127.0.0.1:0", .endpoint = {.deadline_ns = kDeadlineNs}}));
  std::array<std::byte, 8> bytes_{};
};

TEST_F(PeerDeathTest, a_killed_peer_fails_its_connections_at_once_and_no_others) {
  PeerProcess victim{"without_receives", testing::loopback(listener_)};
  Endpoint endpoint = accept();
  PeerProcess survivor{"idle", testing::loopback(listener_)};
  Endpoint other = accept();
  post_four(endpoint);
  victim.send_signal(SIGKILL);
  expect_four(Code::kPeerDead);
  ASSERT_TRUE(endpoint.error());
  EXPECT_EQ(endpoint.error()->code, Code::kPeerDead);
  // Expect: a dead endpoint takes posts and flushes them.
  ASSERT_EQ(endpoint.post_receive(bytes_, 3), Code::kOk);
  EXPECT_EQ(next_completion(context_).status, Code::kFlushed);
  expect_works(other);
}

TEST_F(PeerDeathTest, a_stopped_peer_fails_its_connections_within_the_deadline_and_no_others) {
  PeerProcess victim{"without_receives", testing::loopback(listener_)};
  Endpoint endpoint = accept();
  PeerProcess survivor{"idle", testing::loopback(listener_)};
  Endpoint other = accept();
  ASSERT_EQ(endpoint.post_receive(bytes_, 2), Code::kOk);
  victim.send_signal(SIGSTOP);
  // Expect: a receive alone, for which no packet is ever due, ends as well.
  EXPECT_EQ(next_completion(context_, 10 * kSecondNs).status, Code::kRetryExceeded);
  expect_works(other);
}

TEST_F(PeerDeathTest, a_send_to_a_stopped_peer_ends_within_the_deadline) {
  PeerProcess victim{"without_receives", testing::loopback(listener_)};
  Endpoint endpoint = accept();
  victim.send_signal(SIGSTOP);
  const auto begin = Clock::now();
  ASSERT_EQ(endpoint.post_write(bytes_, remote_of(endpoint), 1), Code::kOk);
  EXPECT_EQ(next_completion(context_).status, Code::kRetryExceeded);
  EXPECT_LT(Clock::now() - begin, kDeadlineAndSlack);
}

TEST_F(PeerDeathTest, a_peer_that_never_polls_is_served_and_lives_on) {
  PeerProcess peer{"sleeper", testing::loopback(listener_)};
  Endpoint endpoint = accept();
  std::array<std::byte, 1000> source{};
  source.fill(std::byte{7});
  std::array<std::byte, 1000> back{};
  std::uint64_t original = 1;
  const RemoteBuffer remote = remote_of(endpoint);
  ASSERT_EQ(endpoint.post_write(source, remote, 1), Code::kOk);
  ASSERT_EQ(endpoint.post_read(back, remote, 2), Code::kOk);
  ASSERT_EQ(endpoint.post_fetch_add(original, remote.at(2048), 5, 3), Code::kOk);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(next_completion(context_).status, Code::kOk);
  EXPECT_EQ(back, source);
  EXPECT_EQ(original, 0U);
  // Expect: when it wakes, messages pass both ways.
  ASSERT_EQ(endpoint.post_receive(back, 4), Code::kOk);
  Code code = Code::kWouldBlock;
  while ((code = endpoint.post_send(std::span{source}.first(8), 5)) == Code::kWouldBlock) {
    Completion none;
    context_.wait({&none, 1}, kSecondNs);
  }
  ASSERT_EQ(code, Code::kOk);
  EXPECT_EQ(next_completion(context_).status, Code::kOk);
  EXPECT_EQ(next_completion(context_).status, Code::kOk);
  EXPECT_EQ(peer.finish(), 0);
}

TEST_F(PeerDeathTest, a_peer_that_ends_in_order_says_so) {
  PeerProcess peer{"without_receives", testing::loopback(listener_)};
  Endpoint endpoint = accept();
  ASSERT_EQ(endpoint.post_receive(bytes_, 1), Code::kOk);
  EXPECT_EQ(peer.finish(), 0);
  EXPECT_EQ(next_completion(context_).status, Code::kPeerClosed);
}

// A client whose wire can be cut, connected to a server.
class CutPathTest : public ::testing::Test {
 protected:
  CutPathTest() {
    options_.endpoint.deadline_ns = kSecondNs;
    connect();
  }

  Context make_client() {
    auto wire = std::make_unique<nic_fw::FaultWire>(value_of(nic_fw::make_udp_wire({}, nullptr)),
                                                    nic_fw::FaultOptions{});
    cable_ = wire.get();
    detail::ChosenNic nic{
        .nic = value_of(nic_fw::make_soft_nic({.seed = 1}, std::move(wire), nullptr)),
        .reason = "test"};
    return Context::Impl::wrap(value_of(Context::Impl::create({}, std::move(nic), nullptr)));
  }

  void connect() {
    auto [accepted, connected] = testing::connect(client_, listener_, options_);
    accepted_.emplace(std::move(accepted));
    connected_.emplace(std::move(connected));
  }

  void expect_the_write_to_end_first() {
    const auto begin = Clock::now();
    EXPECT_EQ(next_completion(client_).status, Code::kRetryExceeded);
    EXPECT_EQ(next_completion(client_).status, Code::kFlushed);
    EXPECT_EQ(next_completion(server_).status, Code::kPeerClosed);
    EXPECT_LT(Clock::now() - begin, kDeadlineAndSlack);
  }

  Context server_ = value_of(Context::create());
  Listener listener_ = value_of(server_.listen({.address = "127.0.0.1:0"}));
  MemoryRegion region_ = value_of(server_.allocate(8, {.remote_write = true}));
  nic_fw::FaultWire* cable_ = nullptr;
  Context client_ = make_client();
  ConnectOptions options_;
  std::optional<Endpoint> accepted_;
  std::optional<Endpoint> connected_;
  std::array<std::byte, 8> bytes_{};
};

TEST_F(CutPathTest, requests_over_a_cut_path_end_within_the_deadline_and_both_sides_learn) {
  ASSERT_EQ(accepted_->post_receive(bytes_, 1), Code::kOk);
  ASSERT_EQ(connected_->post_receive(bytes_, 2), Code::kOk);
  cable_->set_cut(true);
  ASSERT_EQ(connected_->post_write(bytes_, region_.remote(), 3), Code::kOk);
  expect_the_write_to_end_first();
  // Expect: the processes still reach each other, and connect anew when the cable is whole.
  cable_->set_cut(false);
  connect();
  EXPECT_FALSE(connected_->error());
}

// The credits of the receive go first and are what the NIC gives up; of them the user knows
// nothing.
TEST_F(CutPathTest, a_request_behind_one_that_the_user_did_not_post_ends_with_the_cause) {
  ASSERT_EQ(accepted_->post_receive(bytes_, 1), Code::kOk);
  cable_->set_cut(true);
  ASSERT_EQ(connected_->post_receive(bytes_, 2), Code::kOk);
  Completion none;
  ASSERT_EQ(client_.poll({&none, 1}), 0U);
  ASSERT_EQ(connected_->post_write(bytes_, region_.remote(), 3), Code::kOk);
  expect_the_write_to_end_first();
}

TEST(CutSetUpTest, a_cut_before_the_set_up_fails_connect_on_both_sides) {
  Context server = value_of(Context::create());
  Listener listener = value_of(server.listen({.address = "127.0.0.1:0"}));
  Context client = value_of(Context::create({.faults = "loss=1"}));
  const auto connected = client.connect(testing::loopback(listener));
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().code, Code::kPathBlocked);
  EXPECT_TRUE(testing::counter_reaches("control.set_ups_failed", 1));
  EXPECT_EQ(listener.accept(1).error().code, Code::kTimeout);
}

}  // namespace
}  // namespace mapwire
