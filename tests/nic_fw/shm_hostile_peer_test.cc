// A process that meets ours in shared memory and then does what it likes: only the queue pairs that
// are connected to it may suffer.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "mapwire/nic_fw/random_source.h"
#include "mapwire/nic_fw/shm/block.h"
#include "mapwire/nic_fw/shm/channels.h"
#include "mapwire/nic_fw/shm/descriptor_passing.h"
#include "mapwire/nic_fw/shm/meeting_place.h"
#include "mapwire/proto/shm_wire.h"
#include "tests/environment.h"
#include "tests/nic_fw/forged_cell.h"
#include "tests/nic_fw/shm_test_support.h"

namespace mapwire::nic_fw::shm {
namespace {

using namespace shm_test;

std::uint64_t seed() { return testing::number_from("MAPWIRE_TEST_SEED", std::random_device{}()); }

class Hostile : public ::testing::Test {
 protected:
  Hostile() {
    honest_ = make_nic();
    victim_ = make_nic();
    left_ = open(*honest_);
    right_ = open(*victim_);
    connect(*honest_, left_, right_);
    connect(*victim_, right_, left_);
  }

  // A message from the honest NIC to the victim, which also serves the hostile peer meanwhile.
  void expect_alive() {
    std::uint64_t out = ++messages_;
    std::uint64_t in = 0;
    ASSERT_TRUE(post_receive(*victim_, right_.qpn, in));
    ASSERT_TRUE(post_send(*honest_, left_.qpn, out));
    const std::uint64_t until_ns = now_ns() + kPatienceNs;
    bool received = false;
    bool sent = false;
    while (!(received && sent) && now_ns() < until_ns) {
      received |= poll_for(*victim_, right_.qpn);
      sent |= poll_for(*honest_, left_.qpn);
    }
    ASSERT_TRUE(received && sent);
    EXPECT_EQ(in, out);
  }

  // True: a good completion of the queue pair came.
  static bool poll_for(Nic& nic, Qpn qpn) {
    std::array<proto::CompletionEntry, 16> completions;
    const std::size_t count = nic.poll(completions, now_ns()).completions;
    bool found = false;
    for (const auto& completion : std::span{completions}.first(count)) {
      if (completion.qpn != qpn) continue;
      EXPECT_EQ(completion.status, 0U);
      found = true;
    }
    return found;
  }

  // Nothing is told of the honest connection.
  void expect_no_error() {
    std::array<AsyncEvent, 16> events;
    for (Nic* nic : {honest_.get(), victim_.get()}) {
      const std::size_t count = nic->poll_async(events);
      for (const AsyncEvent& event : std::span{events}.first(count)) {
        EXPECT_NE(event.qpn, left_.qpn);
        EXPECT_NE(event.qpn, right_.qpn);
      }
    }
  }

  std::unique_ptr<Nic> honest_;
  std::unique_ptr<Nic> victim_;
  QueuePairAddress left_;
  QueuePairAddress right_;
  std::uint64_t messages_ = 0;
};

// Whether the victim says hello to who says this.
bool is_greeted(Nic& victim, const SharedMemoryAddress& address, const proto::ShmHello& hello) {
  const UniqueFd socket = socket_to(address);
  const Arena block = make_block().value();
  send_with_descriptor(socket.get(), std::as_bytes(std::span{&hello, 1}), block.fd());
  victim.next_deadline_ns();  // when it looks around
  proto::ShmHello answer;
  const auto received =
      receive_with_descriptor(socket.get(), std::as_writable_bytes(std::span{&answer, 1}));
  return received && received->bytes == sizeof(answer) && answer.receiver_nonce == hello.nonce;
}

TEST_F(Hostile, who_does_not_know_the_nonce_or_the_version_is_not_greeted) {
  const SharedMemoryAddress address = right_.shared_memory;
  const std::uint64_t name = draw_system_random();
  const UniqueFd door = listen_at(name, 1);
  const proto::ShmHello good{.receiver_nonce = address.nonce, .socket = name, .nonce = 4};
  EXPECT_TRUE(is_greeted(*victim_, address, good));
  proto::ShmHello other = good;
  other.receiver_nonce ^= 1;
  EXPECT_FALSE(is_greeted(*victim_, address, other));
  other = good;
  ++other.version;
  EXPECT_FALSE(is_greeted(*victim_, address, other));
  other = good;
  other.magic ^= 1;
  EXPECT_FALSE(is_greeted(*victim_, address, other));
}

// More than the channels there can be, one after the other.
TEST_F(Hostile, strangers_that_leave_take_no_place) {
  for (int round = 0; round < 50; ++round) {
    std::vector<UniqueFd> sockets;
    for (int i = 0; i < 40; ++i) sockets.push_back(socket_to(right_.shared_memory));
    victim_->next_deadline_ns();  // lets them in
    sockets.clear();
    victim_->next_deadline_ns();  // sees them go
  }
  const auto other = make_nic();
  const QueuePairAddress here = open(*other);
  const QueuePairAddress there = open(*victim_);
  connect(*other, here, there);
  connect(*victim_, there, here);
}

TEST(Channels, strangers_have_a_time_of_their_own) {
  Channels channels = Channels::create([] { return std::random_device{}(); }).value();
  const UniqueFd silent = socket_to(channels.address());
  channels.serve(1);
  const UniqueFd later = socket_to(channels.address());
  channels.serve(kHelloNs);
  EXPECT_EQ(channels.all().size(), 2U);
  channels.serve(kHelloNs + 1);
  channels.collect(false);
  EXPECT_EQ(channels.all().size(), 1U);
  channels.serve(2 * kHelloNs);
  channels.collect(false);
  EXPECT_TRUE(channels.all().empty());
}

// What is said before a hello was accepted.
TEST_F(Hostile, strangers_are_sent_away) {
  const SharedMemoryAddress victim = right_.shared_memory;
  const Arena block = make_block().value();
  for (int round = 0; round < 20; ++round) {
    std::vector<UniqueFd> sockets;
    for (int i = 0; i < 50; ++i) sockets.push_back(socket_to(victim));
    const proto::ShmHello wrong_nonce{.receiver_nonce = victim.nonce + 1, .socket = 1, .nonce = 1};
    const proto::ShmHello good{.receiver_nonce = victim.nonce, .socket = 2, .nonce = 2};
    send_with_descriptor(sockets[0].get(), std::as_bytes(std::span{&wrong_nonce, 1}), block.fd());
    ::send(sockets[1].get(), &good, sizeof(good), 0);  // no descriptor
    send_with_descriptor(sockets[2].get(), std::as_bytes(std::span{&good, 1}).first(7), block.fd());
    send_with_descriptor(sockets[3].get(), std::as_bytes(std::span{&good, 1}), sockets[4].get());
    sockets.resize(40);  // the last ten leave at once
    expect_alive();
  }
  expect_no_error();
}

// One that was let in.
class HostilePeer : public Hostile {
 protected:
  HostilePeer() : socket_{socket_to(right_.shared_memory)} {
    const proto::ShmHello hello{
        .receiver_nonce = right_.shared_memory.nonce, .socket = self_.socket, .nonce = self_.nonce};
    EXPECT_TRUE(
        send_with_descriptor(socket_.get(), std::as_bytes(std::span{&hello, 1}), block_.fd()));
    target_ = open(*victim_);
    connect(*victim_, target_, self());
    keys_ = victim_
                ->register_memory(std::as_writable_bytes(std::span{memory_}),
                                  {.remote_read = true, .remote_write = true}, 1)
                .value();
  }

  QueuePairAddress self() const {
    QueuePairAddress address = left_;
    address.qpn = 5;
    address.shared_memory = self_;
    return address;
  }

  // Another connection of the victim to us, instead of the last.
  void renew() {
    const Qpn last = target_.qpn;
    target_ = open(*victim_);
    connect(*victim_, target_, self());
    victim_->close_queue_pair(last);
    request_ = 0;
  }

  void write_cell(std::mt19937_64& random) {
    auto* cells = reinterpret_cast<proto::ShmCell*>(&block_.memory()[proto::kShmCellsOffset]);
    proto::ShmCell& cell = cells[position_ % proto::kShmCells];
    forge(cell,
          {.qpns = {target_.qpn, right_.qpn},
           .request = request_,
           .address = reinterpret_cast<std::uint64_t>(memory_.data()),
           .rkey = keys_.rkey},
          random);
    cell.sequence = ++position_;
    if (random() % 8 == 0) ++request_;
  }

  SharedMemoryAddress self_{.socket = draw_system_random(), .nonce = 88};
  UniqueFd door_ = listen_at(self_.socket, 1);
  Arena block_ = make_block().value();
  UniqueFd socket_;
  QueuePairAddress target_;
  std::array<std::uint64_t, 1024> memory_{};
  MemoryKeys keys_;
  std::uint32_t position_ = proto::kShmFirstPosition;
  std::uint32_t request_ = 0;
};

TEST_F(HostilePeer, who_writes_garbage_hurts_its_own_connection_alone) {
  const std::uint64_t start = seed();
  SCOPED_TRACE(::testing::Message() << "the same again: MAPWIRE_TEST_SEED=" << start);
  std::mt19937_64 random{start};
  std::uint64_t word = 0;
  for (int round = 0; round < 1000; ++round) {
    if (round % 10 == 0) renew();  // the old one is in error soon
    post_receive(*victim_, target_.qpn, word);
    post_send(*victim_, target_.qpn, word);
    for (std::uint64_t cells = random() % 30; cells > 0; --cells) write_cell(random);
    if (random() % 50 == 0) header_of(block_).sleeping = 1;
    ASSERT_NO_FATAL_FAILURE(expect_alive());
    expect_no_error();
  }
}

TEST_F(HostilePeer, who_has_read_what_was_never_written_is_given_up) {
  header_of(block_).consumed = proto::kShmFirstPosition + 2 * proto::kShmCells;
  // Each connection tells that it is there, until the ring is full and the position looked at.
  for (std::uint32_t i = 0; i <= proto::kShmCells; ++i) renew();
  victim_->next_deadline_ns();  // when it looks around
  AsyncEvent event;
  ASSERT_EQ(victim_->poll_async({&event, 1}), 1U);
  EXPECT_EQ(event.qpn, target_.qpn);
  EXPECT_EQ(event.code, Code::kRingCorrupt);
  expect_alive();
  expect_no_error();
}

TEST_F(HostilePeer, who_sends_descriptors_and_wake_ups_without_end_is_read_in_parts) {
  const std::byte wake_up{};
  for (int round = 0; round < 100; ++round) {
    while (::send(socket_.get(), &wake_up, 1, MSG_DONTWAIT) > 0) {
    }
    while (send_with_descriptor(socket_.get(), std::span{&wake_up, 1}, block_.fd())) {
    }
    ASSERT_NO_FATAL_FAILURE(expect_alive());
    victim_->next_deadline_ns();  // as before sleeping
  }
  expect_no_error();
}

TEST_F(HostilePeer, who_dies_leaves_the_others_alone) {
  socket_ = UniqueFd{};
  expect_alive();
  victim_->next_deadline_ns();
  expect_alive();
  expect_no_error();
}

}  // namespace
}  // namespace mapwire::nic_fw::shm
