// Messages that go in pieces: neither side has to pin them as a whole, and receives that have no
// room take none from others.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/work_cookie.h"
#include "mapwire/proto/peer_words.h"
#include "tests/endpoints/lying_nic.h"
#include "tests/endpoints/pinned_pair.h"

namespace mapwire {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

class PiecesTest : public testing::PinnedPair {};

TEST_F(PiecesTest, a_message_larger_than_both_budgets_arrives) {
  make_server(kMiB);
  make_client(kMiB);
  connect();
  const auto message = testing::pattern(5 * kMiB + 17, 1);
  std::vector<std::byte> buffer(6 * kMiB);
  for (std::uint64_t i = 1; i <= 3; ++i) expect_exchange(message, buffer, i);
  expect_exchange(std::span{message}.first(100), buffer, 4);
}

TEST_F(PiecesTest, the_budget_of_one_side_is_no_business_of_the_other) {
  const auto message = testing::pattern(3 * kMiB + 1, 2);
  std::vector<std::byte> buffer(3 * kMiB + 1);
  make_server(256 * kKiB);
  make_client(std::nullopt);
  connect();
  expect_exchange(message, buffer, 1);
  connected_.clear();
  accepted_.clear();
  listener_.reset();
  server_done_.clear();
  client_done_.clear();
  make_server(std::nullopt);
  make_client(256 * kKiB);
  connect();
  expect_exchange(message, buffer, 1);
}

TEST_F(PiecesTest, every_size_finds_a_receive_that_has_no_room) {
  make_server(256 * kKiB);
  make_client(256 * kKiB);
  connect();
  std::vector<std::byte> buffer(kMiB);
  const auto message = testing::pattern(kMiB, 3);
  std::uint64_t cookie = 0;
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, kBounceBytes, kBounceBytes + 1, 4096UL, 4097UL, kMiB}) {
    expect_exchange(std::span{message}.first(bytes), buffer, ++cookie);
  }
}

TEST_F(PiecesTest, what_is_posted_behind_a_message_in_pieces_does_not_overtake_it) {
  make_server(kMiB);
  make_client(kMiB);
  connect();
  const auto large = testing::pattern(4 * kMiB, 4);
  const std::array<std::byte, 8> small{};
  std::vector<std::byte> first(large.size());
  std::array<std::byte, 8> second{};
  post([&] { return accepted_[0].post_receive(first, 1); });
  post([&] { return accepted_[0].post_receive(second, 2); });
  post([&] { return connected_[0].post_send(large, 1); });
  EXPECT_EQ(connected_[0].post_send(small, 2), Code::kWouldBlock);
  post([&] { return connected_[0].post_send(small, 2); });
  EXPECT_EQ(await(client_done_).cookie, 1U);
  EXPECT_EQ(await(client_done_).cookie, 2U);
  EXPECT_EQ(await(server_done_).cookie, 1U);
  EXPECT_EQ(await(server_done_).cookie, 2U);
}

TEST_F(PiecesTest, a_buffer_that_is_too_small_ends_the_connection) {
  make_server(256 * kKiB);
  make_client(256 * kKiB);
  connect();
  const auto message = testing::pattern(kMiB, 5);
  std::vector<std::byte> buffer(kMiB - 1);
  post([&] { return accepted_[0].post_receive(buffer, 1); });
  post([&] { return connected_[0].post_send(message, 2); });
  EXPECT_EQ(name(await(server_done_).status), name(Code::kReceiveTooSmall));
  EXPECT_NE(name(await(client_done_).status), name(Code::kOk));
}

TEST_F(PiecesTest, closing_completes_both_ends_and_gives_the_budget_back) {
  make_server(kMiB);
  make_client(kMiB);
  const auto message = testing::pattern(4 * kMiB, 6);
  std::vector<std::byte> buffer(message.size());
  for (int round = 0; round < 20; ++round) {
    connect();
    post([&] { return accepted_[0].post_receive(buffer, 1); });
    post([&] { return connected_[0].post_send(message, 2); });
    for (int i = 0; i < round; ++i) poll();
    (round % 2 == 0 ? accepted_ : connected_)[0].close();
    EXPECT_EQ(await(server_done_).cookie, 1U);
    EXPECT_EQ(await(client_done_).cookie, 2U);
    accepted_.clear();
    connected_.clear();
  }
}

TEST_F(PiecesTest, idle_receives_of_many_endpoints_starve_nobody) {
  constexpr std::size_t kEndpoints = 64;
  constexpr std::size_t kReceives = 64;
  constexpr std::size_t kBytes = 64 * kKiB;
  make_server(7 * kMiB);
  make_client(7 * kMiB);
  std::vector<std::byte> theirs(kEndpoints * kReceives * kBytes);
  std::vector<std::byte> ours(kEndpoints * kReceives * kBytes);
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    connect();
    for (std::size_t j = 0; j < kReceives; ++j) {
      const std::size_t at = (i * kReceives + j) * kBytes;
      ASSERT_EQ(accepted_[i].post_receive(std::span{theirs}.subspan(at, kBytes), j), Code::kOk);
      ASSERT_EQ(connected_[i].post_receive(std::span{ours}.subspan(at, kBytes), j), Code::kOk);
    }
  }
  std::vector<std::vector<std::byte>> messages;
  for (unsigned i = 0; i < 2 * kEndpoints; ++i) messages.push_back(testing::pattern(kBytes, i));
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    post([&] { return connected_[i].post_send(messages[2 * i], 1000); });
    post([&] { return accepted_[i].post_send(messages[2 * i + 1], 1000); });
  }
  for (std::size_t i = 0; i < 2 * kEndpoints; ++i) {
    EXPECT_EQ(name(await(server_done_).status), name(Code::kOk));
    EXPECT_EQ(name(await(client_done_).status), name(Code::kOk));
  }
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    const std::size_t at = i * kReceives * kBytes;
    EXPECT_TRUE(std::ranges::equal(messages[2 * i], std::span{theirs}.subspan(at, kBytes)));
    EXPECT_TRUE(std::ranges::equal(messages[2 * i + 1], std::span{ours}.subspan(at, kBytes)));
  }
}

// Holds back the completions of offers, and so all behind them, until it is told.
class HoldingNic final : public testing::LyingNic {
 public:
  HoldingNic(std::unique_ptr<Nic> nic, const bool& hold)
      : LyingNic{std::move(nic), [](const proto::SendDescriptor&) {}}, hold_{hold} {}

  Polled poll(std::span<proto::CompletionEntry> completions, Now now) override {
    std::array<proto::CompletionEntry, 16> batch;
    const Polled polled = LyingNic::poll(batch, now);
    held_.insert(held_.end(), batch.begin(),
                 batch.begin() + static_cast<std::ptrdiff_t>(polled.completions));
    std::size_t count = 0;
    while (count < completions.size() && !held_.empty() && !(hold_ && is_offer(held_.front()))) {
      completions[count++] = held_.front();
      held_.pop_front();
    }
    return {.completions = count, .events = polled.events};
  }

 private:
  static bool is_offer(const proto::CompletionEntry& entry) {
    return detail::kind_of(entry.cookie) == detail::WorkKind::kOffer;
  }

  const bool& hold_;
  std::deque<proto::CompletionEntry> held_;
};

// Otherwise requests of the next message would meet those of this one, for which there is no room.
TEST_F(PiecesTest, a_message_is_over_when_its_offers_are_and_not_when_the_peer_says_so) {
  bool hold = true;
  make_server(256 * kKiB);
  make_client(256 * kKiB, [&hold](std::unique_ptr<Nic> nic) {
    return std::make_unique<HoldingNic>(std::move(nic), hold);
  });
  connect();
  const auto message = testing::pattern(12 * kKiB, 7);
  std::vector<std::byte> buffer(kMiB);  // has no room, so that the message goes in pieces
  post([&] { return accepted_[0].post_receive(buffer, 1); });
  post([&] { return connected_[0].post_send(message, 2); });
  EXPECT_EQ(await(server_done_).cookie, 1U);
  for (int i = 0; i < 1000; ++i) poll();
  EXPECT_TRUE(client_done_.empty());
  hold = false;
  EXPECT_EQ(await(client_done_).cookie, 2U);
}

// What a peer may write where offers are expected.
struct OfferLie {
  const char* name;
  void (*tell)(proto::PieceOffer& offer);
};

class LyingOfferTest : public PiecesTest, public ::testing::WithParamInterface<OfferLie> {};

TEST_P(LyingOfferTest, ends_the_connection) {
  make_server(256 * kKiB);
  make_client(256 * kKiB, [](std::unique_ptr<Nic> honest) {
    return std::make_unique<testing::LyingNic>(
        std::move(honest), [](const proto::SendDescriptor& descriptor) {
          if (descriptor.opcode != proto::WorkOpcode::kWrite ||
              descriptor.sge[0].bytes != sizeof(proto::PieceOffer)) {
            return;
          }
          GetParam().tell(*reinterpret_cast<proto::PieceOffer*>(descriptor.sge[0].address));
        });
  });
  connect();
  const auto message = testing::pattern(kMiB, 5);
  std::vector<std::byte> buffer(kMiB);
  post([&] { return accepted_[0].post_receive(buffer, 1); });
  post([&] { return connected_[0].post_send(message, 2); });
  EXPECT_NE(name(await(server_done_).status), name(Code::kOk));
  EXPECT_NE(name(await(client_done_).status), name(Code::kOk));
}

INSTANTIATE_TEST_SUITE_P(
    lies, LyingOfferTest,
    ::testing::Values(OfferLie{"address", [](auto& offer) { offer.address = UINT64_MAX; }},
                      OfferLie{"rkey", [](auto& offer) { offer.rkey = ~offer.rkey; }},
                      OfferLie{"bytes", [](auto& offer) { offer.bytes = UINT64_MAX; }},
                      OfferLie{"no_bytes", [](auto& offer) { offer.bytes = 0U; }},
                      OfferLie{"message_bytes",
                               [](auto& offer) { offer.message_bytes = UINT64_MAX; }},
                      OfferLie{"number", [](auto& offer) { offer.number = 3U; }}),
    [](const auto& lie) { return lie.param.name; });

}  // namespace
}  // namespace mapwire
