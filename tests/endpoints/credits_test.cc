#include "mapwire/endpoints/detail/credits.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>

#include "mapwire/proto/peer_words.h"

namespace mapwire::detail {
namespace {

TEST(SendCreditsTest, starts_without_credits) {
  const SendCredits credits{4};
  EXPECT_FALSE(credits.available());
}

TEST(SendCreditsTest, gives_out_what_was_granted) {
  SendCredits credits{4};
  ASSERT_TRUE(credits.grant(2, false));
  credits.use();
  EXPECT_TRUE(credits.available());
  credits.use();
  EXPECT_FALSE(credits.available());
}

TEST(SendCreditsTest, ignores_news_that_was_overtaken) {
  SendCredits credits{4};
  ASSERT_TRUE(credits.grant(3, false));
  EXPECT_TRUE(credits.grant(1, false));
  EXPECT_TRUE(credits.grant(2, false));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(credits.available());
    credits.use();
  }
  EXPECT_FALSE(credits.available());
}

TEST(SendCreditsTest, refuses_more_than_the_peer_can_have_posted) {
  SendCredits credits{4};
  EXPECT_FALSE(credits.grant(5, false));
  ASSERT_TRUE(credits.grant(4, false));
  credits.use();
  EXPECT_TRUE(credits.grant(5, false));
  EXPECT_FALSE(credits.grant(6, false));
}

TEST(SendCreditsTest, counts_beyond_half_of_the_range) {
  // A queue deeper than any real one, so that few steps get there.
  SendCredits credits{0x7fff'ffff};
  ASSERT_TRUE(credits.grant(0x7fff'ffff, false));
  for (std::uint32_t i = 0; i < 3; ++i) credits.use();
  EXPECT_TRUE(credits.grant(0x8000'0002, false));
  EXPECT_FALSE(credits.grant(0x8000'0003, false));
  // Expect: a count half the range behind is old news, not a wrap.
  EXPECT_TRUE(credits.grant(2, false));
}

std::uint64_t word_of(proto::MessageKind kind, std::uint32_t count) {
  return std::bit_cast<std::uint64_t>(proto::CountWord{kind, count});
}

TEST(SendCreditsTest, takes_the_credit_word_of_the_peer) {
  SendCredits credits{4};
  EXPECT_TRUE(credits.grant_word(0));  // nothing written yet
  EXPECT_FALSE(credits.available());
  EXPECT_TRUE(credits.grant_word(word_of(proto::MessageKind::kCredit, 2)));
  EXPECT_TRUE(credits.available());
  EXPECT_FALSE(credits.grant_word(word_of(proto::MessageKind::kCredit, 5)));
}

TEST(SendCreditsTest, takes_no_news_from_a_word_of_another_kind) {
  for (const auto kind : {proto::MessageKind::kData, proto::MessageKind::kRendezvous}) {
    SendCredits credits{4};
    EXPECT_TRUE(credits.grant_word(word_of(kind, 1)));
    EXPECT_FALSE(credits.available());
  }
}

TEST(SendCreditsTest, takes_no_news_from_a_word_that_is_not_whole) {
  const std::uint64_t word = word_of(proto::MessageKind::kCredit, 1);
  for (unsigned bit = 0; bit < 64; ++bit) {
    SendCredits credits{4};
    EXPECT_TRUE(credits.grant_word(word ^ (std::uint64_t{1} << bit)));
    EXPECT_FALSE(credits.available()) << bit;
  }
}

TEST(SendCreditsTest, takes_receives_for_late_until_it_hears_of_more) {
  SendCredits credits{4};
  ASSERT_TRUE(credits.grant(1, true));
  EXPECT_TRUE(credits.late());
  ASSERT_TRUE(credits.grant(1, false));  // the same news, or older
  EXPECT_TRUE(credits.late());
  ASSERT_TRUE(credits.grant(2, false));
  EXPECT_FALSE(credits.late());
  ASSERT_TRUE(credits.grant(1, true));
  EXPECT_FALSE(credits.late());
  EXPECT_TRUE(credits.grant_word(word_of(proto::MessageKind::kLateCredit, 3)));
  EXPECT_TRUE(credits.late());
}

TEST(ReceiveCreditsTest, has_late_ones_until_the_last_is_consumed) {
  ReceiveCredits credits{64};
  credits.on_posted();
  EXPECT_FALSE(credits.late());
  credits.on_posted_late();
  credits.on_posted();
  EXPECT_TRUE(credits.late());
  credits.on_consumed();
  EXPECT_TRUE(credits.late());
  credits.on_consumed();
  EXPECT_FALSE(credits.late());
}

TEST(ReceiveCreditsTest, tells_the_first_receive_at_once) {
  ReceiveCredits credits{64};
  EXPECT_FALSE(credits.update_due());
  credits.on_posted();
  EXPECT_TRUE(credits.update_due());
}

TEST(ReceiveCreditsTest, waits_for_a_quarter_while_the_peer_has_credits) {
  ReceiveCredits credits{16};
  for (int i = 0; i < 8; ++i) credits.on_posted();
  credits.on_advertised();
  for (int i = 0; i < 3; ++i) credits.on_posted();
  EXPECT_FALSE(credits.update_due());
  credits.on_posted();
  EXPECT_TRUE(credits.update_due());
}

TEST(ReceiveCreditsTest, tells_a_single_receive_to_a_peer_that_has_used_all) {
  ReceiveCredits credits{16};
  credits.on_posted();
  credits.on_advertised();
  credits.on_posted();
  EXPECT_FALSE(credits.update_due());
  // Receive: the message for the only receive the peer knows of.
  credits.on_consumed();
  EXPECT_TRUE(credits.update_due());
}

}  // namespace
}  // namespace mapwire::detail
