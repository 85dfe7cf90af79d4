// Two contexts in this process, driven in turns, whose memory the kernel pins within budgets.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/choose_nic.h"
#include "mapwire/endpoints/detail/context_impl.h"
#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/udp_wire.h"
#include "mapwire/runtime/clock.h"
#include "tests/endpoints/pair.h"
#include "tests/pinning_nic.h"

namespace mapwire::testing {

using WrapNic = std::function<std::unique_ptr<Nic>(std::unique_ptr<Nic>)>;

// A context with a budget, on a NIC whose pins are the kernel's.
inline Context pinning_context(std::size_t budget_bytes, const WrapNic& wrap) {
  auto wire = value_of(nic_fw::make_udp_wire({}, nullptr));
  auto soft = value_of(nic_fw::make_soft_nic({.seed = 1}, std::move(wire), nullptr));
  auto nic = value_of(make_pinning_nic(std::move(soft)));
  if (wrap) nic = wrap(std::move(nic));
  detail::Settings settings;
  settings.options.pin_budget_bytes = budget_bytes;
  detail::ChosenNic chosen{.nic = std::move(nic), .reason = "test"};
  return Context::Impl::wrap(value_of(Context::Impl::create(settings, std::move(chosen), nullptr)));
}

// Two contexts in turns.
class PinnedPair : public ::testing::Test {
 protected:
  using Budget = std::optional<std::size_t>;  // nothing: a soft NIC alone

  void SetUp() override {
    if (!make_pinning_soft_nic()) GTEST_SKIP() << "no pins of the kernel's here";
  }
  void make_server(Budget budget) {
    server_ = make(budget, {});
    listener_ = value_of(server_->listen({.address = "127.0.0.1:0"}));
  }
  void make_client(Budget budget, const WrapNic& wrap = {}) { client_ = make(budget, wrap); }
  void connect() {
    auto [accepted, connected] = testing::connect(*client_, *listener_);
    accepted_.push_back(std::move(accepted));
    connected_.push_back(std::move(connected));
  }
  // Until it is posted; what completes meanwhile is kept.
  template <class Post>
  void post(const Post& post) {
    const std::uint64_t end_ns = now_ns() + kPatienceNs;
    Code code = Code::kWouldBlock;
    while ((code = post()) == Code::kWouldBlock && now_ns() < end_ns) poll();
    ASSERT_EQ(name(code), name(Code::kOk));
  }
  void poll() {
    poll_one(*server_, server_done_);
    poll_one(*client_, client_done_);
  }
  Completion await(std::deque<Completion>& done) {
    const std::uint64_t end_ns = now_ns() + kPatienceNs;
    while (done.empty() && now_ns() < end_ns) poll();
    if (done.empty()) return {.status = Code::kTimeout};
    const Completion first = done.front();
    done.pop_front();
    return first;
  }
  void expect_exchange(std::span<const std::byte> message, std::span<std::byte> buffer,
                       std::uint64_t cookie) {
    std::ranges::fill(buffer, std::byte{0});
    post([&] { return accepted_[0].post_receive(buffer, cookie); });
    post([&] { return connected_[0].post_send(message, cookie, 7); });
    const Completion received = await(server_done_);
    EXPECT_EQ(name(received.status), name(Code::kOk));
    EXPECT_EQ(received.cookie, cookie);
    EXPECT_EQ(received.bytes, message.size());
    EXPECT_TRUE(received.has_immediate && received.immediate == 7);
    const Completion sent = await(client_done_);
    EXPECT_EQ(name(sent.status), name(Code::kOk));
    EXPECT_EQ(sent.cookie, cookie);
    EXPECT_EQ(sent.bytes, message.size());
    EXPECT_TRUE(std::ranges::equal(message, buffer.first(message.size())));
  }

  std::optional<Context> server_;
  std::optional<Context> client_;
  std::optional<Listener> listener_;
  std::vector<Endpoint> accepted_;
  std::vector<Endpoint> connected_;
  std::deque<Completion> server_done_;
  std::deque<Completion> client_done_;

 private:
  static Context make(Budget budget, const WrapNic& wrap) {
    return budget ? pinning_context(*budget, wrap) : value_of(Context::create());
  }
  static void poll_one(Context& context, std::deque<Completion>& done) {
    std::array<Completion, 16> completions;
    const std::size_t count = context.poll(completions);
    done.insert(done.end(), completions.begin(),
                completions.begin() + static_cast<std::ptrdiff_t>(count));
  }
};

}  // namespace mapwire::testing
