#include "mapwire/tlb/quarantine.h"

#include <gtest/gtest.h>

#include <memory>

namespace mapwire::tlb {
namespace {

constexpr Range pages_from(std::uintptr_t first, std::uintptr_t count) {
  return {.begin = first * kPageBytes, .end = (first + count) * kPageBytes};
}

class QuarantineTest : public ::testing::Test {
 protected:
  std::unique_ptr<Quarantine> quarantine_ = std::make_unique<Quarantine>();
};

TEST_F(QuarantineTest, holds_what_overlaps) {
  EXPECT_FALSE(quarantine_->holds(pages_from(1, 1)));
  quarantine_->add(pages_from(10, 2));
  EXPECT_TRUE(quarantine_->holds(pages_from(11, 5)));
  EXPECT_FALSE(quarantine_->holds(pages_from(12, 1)));
  EXPECT_FALSE(quarantine_->holds(pages_from(8, 2)));
}

TEST_F(QuarantineTest, an_unmapping_that_may_be_an_earlier_one_lifts_nothing) {
  quarantine_->add(pages_from(10, 4));
  EXPECT_TRUE(quarantine_->unsettled());
  quarantine_->lift(pages_from(10, 4));
  EXPECT_TRUE(quarantine_->holds(pages_from(10, 4)));
  quarantine_->settle();
  EXPECT_FALSE(quarantine_->unsettled());
  quarantine_->add(pages_from(12, 1));
  quarantine_->lift(pages_from(10, 4));
  EXPECT_TRUE(quarantine_->holds(pages_from(10, 4))) << "settled before it began anew";
}

TEST_F(QuarantineTest, an_unmapping_lifts_what_it_covers) {
  quarantine_->add(pages_from(10, 4));
  quarantine_->settle();
  quarantine_->lift(pages_from(10, 1));
  EXPECT_FALSE(quarantine_->holds(pages_from(10, 1)));
  EXPECT_TRUE(quarantine_->holds(pages_from(11, 1)));
  quarantine_->lift(pages_from(13, 4));
  EXPECT_FALSE(quarantine_->holds(pages_from(13, 1)));
  EXPECT_TRUE(quarantine_->holds(pages_from(12, 1)));
  quarantine_->lift(pages_from(0, 100));
  EXPECT_FALSE(quarantine_->holds(pages_from(0, 100)));
}

TEST_F(QuarantineTest, a_hole_in_the_middle_stays_in_quarantine) {
  quarantine_->add(pages_from(10, 4));
  quarantine_->settle();
  quarantine_->lift(pages_from(11, 1));
  EXPECT_TRUE(quarantine_->holds(pages_from(11, 1)));
}

TEST_F(QuarantineTest, it_never_forgets_however_much_comes) {
  constexpr std::uintptr_t kMany = 2000;
  for (std::uintptr_t i = 0; i < kMany; ++i) quarantine_->add(pages_from(10 * i, 1));
  for (std::uintptr_t i = 0; i < kMany; ++i) ASSERT_TRUE(quarantine_->holds(pages_from(10 * i, 1)));
}

}  // namespace
}  // namespace mapwire::tlb
