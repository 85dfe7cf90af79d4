#include "mapwire/nic_fw/credit_code.h"

#include <gtest/gtest.h>

#include "mapwire/nic_fw/rnr_timer.h"

namespace mapwire::nic_fw {
namespace {

TEST(CreditCode, rounds_down_to_what_the_table_has) {
  EXPECT_EQ(credit_code(0), 0);
  EXPECT_EQ(credit_code(4), 4);
  EXPECT_EQ(credit_code(5), 4);
  EXPECT_EQ(credit_code(6), 5);
  EXPECT_EQ(credit_code(64), 12);
  EXPECT_EQ(credit_code(32768), 30);
  EXPECT_EQ(credit_code(1U << 20), 30);
}

TEST(CreditCode, every_code_promises_what_it_was_made_from) {
  for (std::uint8_t code = 0; code < proto::kNoCreditLimit; ++code) {
    EXPECT_EQ(credit_code(*credits(code)), code);
  }
}

TEST(CreditCode, the_last_code_means_no_limit) { EXPECT_FALSE(credits(proto::kNoCreditLimit)); }

// IBTA table 45, some of its lines.
TEST(RnrTimer, follows_the_table) {
  EXPECT_EQ(rnr_wait_ns(0), 655'360'000U);
  EXPECT_EQ(rnr_wait_ns(1), 10'000U);
  EXPECT_EQ(rnr_wait_ns(12), 640'000U);
  EXPECT_EQ(rnr_wait_ns(20), 10'240'000U);
  EXPECT_EQ(rnr_wait_ns(31), 491'520'000U);
}

}  // namespace
}  // namespace mapwire::nic_fw
