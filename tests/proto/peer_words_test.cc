// What a peer has written may be seen in part: the first bytes anew and the others as they were, or
// the last.
#include "mapwire/proto/peer_words.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <random>

#include <gtest/gtest.h>

namespace mapwire::proto {
namespace {

template <class T>
using Bytes = std::array<std::byte, sizeof(T)>;

// `then` with its first `count` bytes, or its last, from `now`.
template <class T>
T mixture(const T& then, const T& now, std::size_t count, bool upwards) {
  auto mixed = std::bit_cast<Bytes<T>>(then);
  const auto whole = std::bit_cast<Bytes<T>>(now);
  const std::size_t first = upwards ? 0 : sizeof(T) - count;
  std::copy_n(whole.begin() + static_cast<std::ptrdiff_t>(first), count,
              mixed.begin() + static_cast<std::ptrdiff_t>(first));
  return std::bit_cast<T>(mixed);
}

template <class T>
bool same(const T& left, const T& right) {
  return std::bit_cast<Bytes<T>>(left) == std::bit_cast<Bytes<T>>(right);
}

using enum MessageKind;

bool whole(const CountWord& word) {
  return word.is(kCredit) || word.is(kLateCredit) || word.is(kRendezvous);
}

void expect_no_mixture_passes(const CountWord& then, const CountWord& now) {
  for (std::size_t count = 1; count < sizeof(CountWord); ++count) {
    for (const bool upwards : {true, false}) {
      const CountWord mixed = mixture(then, now, count, upwards);
      ASSERT_TRUE(!whole(mixed) || same(mixed, then) || same(mixed, now))
          << then.count() << " to " << now.count() << ", " << count
          << (upwards ? " bytes up" : " bytes down");
    }
  }
}

TEST(CountWordTest, never_written_is_of_no_kind) { EXPECT_FALSE(whole(CountWord{})); }

TEST(CountWordTest, holds_what_it_was_made_of) {
  const CountWord word{kLateCredit, 0x01020304};
  EXPECT_TRUE(word.is(kLateCredit));
  EXPECT_FALSE(word.is(kCredit));
  EXPECT_FALSE(word.is(kRendezvous));
  EXPECT_EQ(word.count(), 0x01020304U);
}

TEST(CountWordTest, a_part_of_a_later_count_is_of_no_kind) {
  std::mt19937 random{1};
  const auto below = [&](std::uint32_t limit) {
    return static_cast<std::uint32_t>(random()) % limit;
  };
  const auto credit = [&] { return below(2) == 0 ? kCredit : kLateCredit; };
  for (int i = 0; i < 300'000; ++i) {
    // Of all magnitudes, and often next to a carry.
    const std::uint32_t count = static_cast<std::uint32_t>(random()) >> below(32);
    const std::uint32_t carrying = (count | 0xffff'ffffU >> below(32)) - below(8);
    const std::uint32_t then = below(2) == 0 ? count : carrying;
    const std::uint32_t later = then + below(0x8000);
    expect_no_mixture_passes({credit(), then}, {credit(), later});
    expect_no_mixture_passes({kRendezvous, then}, {kRendezvous, later});
    if (HasFailure()) return;
  }
}

TEST(CountWordTest, a_part_of_the_first_is_of_no_kind) {
  for (std::uint32_t count = 0; count < 0x2'0000; ++count) {
    for (const MessageKind kind : {kCredit, kLateCredit, kRendezvous}) {
      expect_no_mixture_passes({}, {kind, count});
    }
    if (HasFailure()) return;
  }
}

TEST(PieceOfferTest, a_part_of_a_later_offer_is_of_no_piece) {
  std::mt19937_64 random{1};
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t piece = random() >> (random() % 64) | 3U;
    const auto offer = [&](std::uint64_t number) {
      const auto mark = static_cast<std::uint32_t>(number);
      return PieceOffer{.number = mark,
                        .rkey = static_cast<std::uint32_t>(random()),
                        .address = random(),
                        .bytes = random(),
                        .message_bytes = random(),
                        .reserved = {},
                        .number_again = mark};
    };
    const PieceOffer then = offer(piece - kOffersMax);
    const PieceOffer now = offer(piece);
    ASSERT_TRUE(now.is_of(piece));
    for (std::size_t count = 0; count < sizeof(PieceOffer); ++count) {
      for (const bool upwards : {true, false}) {
        const PieceOffer mixed = mixture(then, now, count, upwards);
        ASSERT_TRUE(!mixed.is_of(piece) || same(mixed, now)) << piece << ", " << count;
      }
    }
  }
}

}  // namespace
}  // namespace mapwire::proto
