// Who comes to the place where a process is met, before a queue pair needs it.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mapwire/nic_fw/random_source.h"
#include "mapwire/nic_fw/shm/block.h"
#include "mapwire/nic_fw/shm/channels.h"
#include "mapwire/nic_fw/shm/descriptor_passing.h"
#include "mapwire/nic_fw/shm/meeting_place.h"

namespace mapwire::nic_fw::shm {
namespace {

constexpr std::uint64_t kStartNs = 1'000'000'000;

class Strangers : public ::testing::Test {
 protected:
  UniqueFd come() const { return connect_to(channels_.address().socket); }

  // Comes and says hello in the name of who is met at `name`.
  UniqueFd say_hello(std::uint64_t name) const {
    UniqueFd socket = come();
    const proto::ShmHello hello{
        .receiver_nonce = channels_.address().nonce, .socket = name, .nonce = 1};
    EXPECT_TRUE(
        send_with_descriptor(socket.get(), std::as_bytes(std::span{&hello, 1}), block_.fd()));
    return socket;
  }

  std::size_t serve(std::uint64_t now_ns) {
    channels_.serve(now_ns);
    channels_.collect(false);
    return channels_.all().size();
  }

  Arena block_ = make_block().value();
  Channels channels_ = Channels::create(draw_system_random).value();
};

TEST_F(Strangers, who_find_no_place_do_not_keep_us_awake) {
  std::vector<UniqueFd> silent;
  for (std::size_t i = 0; i < kStrangersMax; ++i) silent.push_back(come());
  EXPECT_EQ(serve(kStartNs), kStrangersMax);
  for (std::size_t i = 0; i < 10; ++i) silent.push_back(come());
  EXPECT_FALSE(channels_.has_events());
  EXPECT_EQ(channels_.next_deadline_ns(), kStartNs + kHelloNs);
  EXPECT_EQ(serve(kStartNs + kHelloNs), 0U);
  EXPECT_TRUE(channels_.has_events());
  EXPECT_EQ(serve(kStartNs + kHelloNs), 10U);
}

TEST_F(Strangers, for_whom_no_descriptor_is_left_do_not_keep_us_awake) {
  const UniqueFd stranger = come();
  const UniqueFd lowest{::dup(stranger.get())};
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = static_cast<rlim_t>(lowest.get()) + 1, .rlim_max = before.rlim_max};
  Channels& channels = channels_;  // nothing else: sanitizers look at objects by a descriptor
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  channels.serve(kStartNs);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(channels_.all().empty());
  EXPECT_FALSE(channels_.has_events());
  EXPECT_EQ(serve(channels_.next_deadline_ns()), 1U);
}

TEST_F(Strangers, who_are_let_in_and_not_needed_are_no_more_than_others_and_leave) {
  std::vector<UniqueFd> doors;
  std::vector<UniqueFd> sockets;
  for (std::size_t i = 0; i < kStrangersMax + 10; ++i) {
    const std::uint64_t name = draw_system_random();
    doors.push_back(listen_at(name, 1));
    sockets.push_back(say_hello(name));
    serve(kStartNs);
  }
  EXPECT_EQ(serve(kStartNs), kStrangersMax);
  EXPECT_EQ(serve(kStartNs + kNeedNs - 1), kStrangersMax);
  EXPECT_EQ(serve(kStartNs + kNeedNs), 0U);
}

TEST_F(Strangers, one_that_a_queue_pair_needed_stays) {
  const std::uint64_t name = draw_system_random();
  const UniqueFd door = listen_at(name, 1);
  const UniqueFd socket = say_hello(name);
  EXPECT_TRUE(channels_.reach({.socket = name, .nonce = 1}, kStartNs).has_value());
  EXPECT_EQ(serve(kStartNs + kNeedNs), 1U);
}

TEST_F(Strangers, one_process_is_let_in_once) {
  const std::uint64_t name = draw_system_random();
  const UniqueFd door = listen_at(name, 1);
  const UniqueFd first = say_hello(name);
  EXPECT_EQ(serve(kStartNs), 1U);
  const UniqueFd second = say_hello(name);
  EXPECT_EQ(serve(kStartNs), 1U);
}

// Both connect at once.
TEST_F(Strangers, one_to_whom_we_went_may_come_and_stay) {
  const std::uint64_t name = draw_system_random();
  const UniqueFd door = listen_at(name, 1);
  EXPECT_TRUE(channels_.reach({.socket = name, .nonce = 1}, kStartNs).has_value());
  const UniqueFd theirs = say_hello(name);
  EXPECT_EQ(serve(kStartNs), 2U);
  EXPECT_EQ(serve(kStartNs + kNeedNs), 2U);
}

// All peers of a process know its name and its nonce.
TEST_F(Strangers, who_says_to_be_another_process_is_sent_away_and_not_read) {
  const std::uint64_t name = draw_system_random();
  const UniqueFd door = listen_at(name, 1);
  const pid_t liar = ::fork();
  if (liar == 0) {
    const UniqueFd socket = say_hello(name);
    const proto::ShmPassed message{.qpn = 7};
    send_with_descriptor(socket.get(), std::as_bytes(std::span{&message, 1}), block_.fd());
    ::pause();
  }
  while (channels_.all().empty() || channels_.all().front().state() == Channel::State::kGreeting) {
    channels_.serve(kStartNs);
  }
  EXPECT_EQ(channels_.all().front().state(), Channel::State::kDead);
  EXPECT_EQ(channels_.all().front().reader(), nullptr);
  EXPECT_EQ(channels_.all().front().passed(), 0U);
  ::kill(liar, SIGKILL);
  ::waitpid(liar, nullptr, 0);
}

// Whoever can say hello could use up all descriptors of a process.
TEST_F(Strangers, who_pass_descriptors_without_end_find_them_dropped) {
  const std::uint64_t name = draw_system_random();
  const UniqueFd door = listen_at(name, 1);
  const UniqueFd socket = say_hello(name);
  const proto::ShmPassed message{.qpn = 7};
  std::size_t most = 0;
  for (std::size_t i = 0; i < 4 * kPassedMax; ++i) {
    ASSERT_TRUE(
        send_with_descriptor(socket.get(), std::as_bytes(std::span{&message, 1}), block_.fd()));
    channels_.serve(kStartNs);
    most = std::max(most, channels_.all().front().passed());
  }
  EXPECT_EQ(most, kPassedMax);
  ASSERT_EQ(channels_.all().front().state(), Channel::State::kOpen);
  const Channel& channel = channels_.all().front();
  EXPECT_FALSE(channels_.take_passed(channel, 8, kStartNs));
  ASSERT_TRUE(
      send_with_descriptor(socket.get(), std::as_bytes(std::span{&message, 1}), block_.fd()));
  EXPECT_TRUE(channels_.take_passed(channel, 7, kStartNs));
}

TEST_F(Strangers, who_says_to_be_nobody_is_sent_away) {
  const UniqueFd socket = say_hello(draw_system_random());
  EXPECT_EQ(serve(kStartNs), 0U);
}

}  // namespace
}  // namespace mapwire::nic_fw::shm
