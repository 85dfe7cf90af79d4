#include <cstdint>
#include <set>

#include <gtest/gtest.h>

#include "tests/nic_fw/engine_test_support.h"

namespace mapwire::nic_fw::engine_test {
namespace {

// The rings die here: only for queue pairs that are never used.
std::expected<QueuePairAddress, Error> open(Host& host, const QueuePairOptions& options,
                                            std::uint32_t send_ring, std::uint32_t receive_ring) {
  TestRing<proto::SendDescriptor> send{send_ring};
  TestRing<proto::ReceiveDescriptor> receive{receive_ring};
  return host.engine.open_queue_pair(options, host.address(),
                                     {.send = send.consumer(), .receive = receive.consumer()});
}

TEST(EngineSetUp, an_open_queue_pair_has_a_random_address) {
  std::set<Qpn> qpns;
  std::set<std::uint32_t> psns;
  for (unsigned seed = 1; seed < 20; ++seed) {
    Host host{seed};
    const auto address = open(host, {}, 64, 64);
    ASSERT_TRUE(address);
    EXPECT_EQ(address->udp, host.address());
    EXPECT_EQ(address->read_atomic_max, 4U);
    EXPECT_GT(address->qpn, 1U);
    EXPECT_LE(address->qpn, proto::kQpnMask);
    qpns.insert(address->qpn);
    psns.insert(address->first_psn);
  }
  EXPECT_EQ(qpns.size(), 19U);
  EXPECT_EQ(psns.size(), 19U);
}

TEST(EngineSetUp, refuses_entries_that_do_not_fit_the_rings) {
  Host host{1};
  EXPECT_EQ(open(host, {.send_entries = 32}, 64, 64).error().code, Code::kInvalidArgument);
  EXPECT_EQ(open(host, {.receive_entries = 63}, 64, 64).error().code, Code::kInvalidArgument);
}

TEST(EngineSetUp, refuses_more_entries_than_the_completion_queue_has) {
  Host host{1, {.completion_entries = 256}};
  const auto first = open(host, {}, 64, 64);
  ASSERT_TRUE(first);
  ASSERT_TRUE(open(host, {}, 64, 64));
  const auto refused = open(host, {}, 64, 64);
  EXPECT_EQ(refused.error().code, Code::kLimitReached);
  EXPECT_TRUE(refused.error().message.starts_with("queue pair refused: its entries exceed"))
      << refused.error().message;
  host.engine.close_queue_pair(first->qpn);
  EXPECT_TRUE(open(host, {}, 64, 64));
}

TEST(EngineSetUp, refuses_more_queue_pairs_than_there_are) {
  Host host{1, {.completion_entries = 4096}};
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(open(host, {}, 64, 64));
  EXPECT_EQ(open(host, {}, 64, 64).error().code, Code::kLimitReached);
}

TEST(EngineSetUp, connects_once_and_with_a_path_mtu) {
  Host host{1};
  const TestQueuePair qp{host};
  const QueuePairAddress& address = qp.address;
  const auto connect = [&](Qpn qpn, std::uint32_t path_mtu) {
    return host.engine.connect_queue_pair(qpn, {.address = address, .path_mtu = path_mtu}, 0);
  };
  for (std::uint32_t path_mtu : {0U, 128U, 1000U, 8192U}) {
    EXPECT_EQ(connect(address.qpn, path_mtu).error().code, Code::kInvalidArgument) << path_mtu;
  }
  EXPECT_EQ(connect(address.qpn ^ 4, 1024).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(connect(address.qpn, 1024));
  EXPECT_EQ(connect(address.qpn, 1024).error().code, Code::kInvalidArgument);
}

TEST(EngineSetUp, what_was_posted_before_connect_goes_then) {
  Host host{1};
  TestQueuePair qp{host};
  const auto message = test_bytes(10);
  qp.post(send_of(1, message), kSecond);
  EXPECT_FALSE(host.engine.has_output(true));
  qp.connect({.udp = test_address(2), .qpn = 5, .first_psn = 0}, 1024);
  EXPECT_EQ(host.transmit(kSecond).size(), 1U);
}

TEST(EngineSetUp, unknown_queue_pairs_and_keys_have_no_effect) {
  Host host{1};
  host.engine.on_send_doorbell(77, kSecond);
  host.engine.on_receive_doorbell(77, kSecond);
  host.engine.flush_queue_pair(77, Code::kPeerDead);
  host.engine.close_queue_pair(77);
  host.engine.deregister_memory(77);
  EXPECT_TRUE(host.completions().empty());
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
