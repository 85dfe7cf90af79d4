// What a ring makes of memory that a hostile or broken peer wrote.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "mapwire/proto/ring_layout.h"
#include "mapwire/runtime/spsc_ring.h"
#include "tests/runtime/ring_test_support.h"

namespace mapwire {
namespace {

using proto::kRingFirstIndex;
using testing::Entry;
using testing::kVersion;
using testing::Ring;

// The tails that a consumer must not believe after 2 pushes and 1 pop in a ring of 4.
TEST(HostileRing, a_forged_tail_ends_the_consumer_for_ever) {
  for (std::uint32_t forged :
       {kRingFirstIndex, kRingFirstIndex + 1,  // it goes back
        kRingFirstIndex + 6,                   // more than the ring holds beyond the head
        kRingFirstIndex + 0x8000'0000U, 0U, std::numeric_limits<std::uint32_t>::max()}) {
    Ring<Entry> ring{4};
    auto producer = ring.producer();
    auto consumer = ring.consumer();
    ASSERT_TRUE(producer.try_push(Entry::of(1)));
    ASSERT_TRUE(producer.try_push(Entry::of(2)));
    ASSERT_TRUE(consumer.try_pop());
    const std::uint32_t honest = ring.header().tail;
    ring.header().tail = forged;
    EXPECT_EQ(consumer.available(), 0U) << forged;
    EXPECT_TRUE(consumer.corrupt()) << forged;
    ring.header().tail = honest;
    EXPECT_FALSE(consumer.try_pop()) << forged;
    EXPECT_TRUE(consumer.corrupt()) << forged;
  }
}

TEST(HostileRing, a_tail_within_reach_is_believed_and_what_lies_there_is_for_the_reader_to_check) {
  Ring<Entry> ring{4};
  auto consumer = ring.consumer();
  ring.header().tail = kRingFirstIndex + 4;
  EXPECT_EQ(consumer.available(), 4U);
  EXPECT_EQ(consumer.try_pop()->number, 0U);
  EXPECT_FALSE(consumer.corrupt());
}

TEST(HostileRing, a_forged_head_ends_the_producer_for_ever) {
  for (std::uint32_t forged :
       {kRingFirstIndex,                            // it goes back
        kRingFirstIndex + 4, kRingFirstIndex + 5U,  // more than was pushed
        kRingFirstIndex + 0x8000'0000U, 0U, std::numeric_limits<std::uint32_t>::max()}) {
    Ring<Entry> ring{2};
    auto producer = ring.producer();
    auto consumer = ring.consumer();
    for (std::uint64_t i = 0; i < 3; ++i) {
      ASSERT_TRUE(producer.try_push(Entry::of(i)));
      if (i == 0) {
        ASSERT_TRUE(consumer.try_pop());
      }
    }
    ASSERT_EQ(producer.free_entries(), 0U);
    const std::uint32_t honest = ring.header().head;
    ring.header().head = forged;
    EXPECT_FALSE(producer.try_push(Entry::of(9))) << forged;
    EXPECT_TRUE(producer.corrupt()) << forged;
    ring.header().head = honest + 1;
    EXPECT_FALSE(producer.try_push(Entry::of(9))) << forged;
    EXPECT_EQ(producer.free_entries(), 0U) << forged;
  }
}

TEST(HostileRing, an_end_does_not_read_back_its_own_index) {
  Ring<Entry> ring{4};
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  ASSERT_TRUE(producer.try_push(Entry::of(1)));
  ring.header().tail = 12345;  // the consumer overwrites the producer's word
  ASSERT_TRUE(producer.try_push(Entry::of(2)));
  EXPECT_EQ(ring.header().tail, kRingFirstIndex + 2);
  ASSERT_TRUE(consumer.try_pop());
  ring.header().head = 12345;
  ASSERT_TRUE(consumer.try_pop());
  EXPECT_EQ(ring.header().head, kRingFirstIndex + 2);
}

TEST(HostileRing, an_open_end_does_not_believe_the_header_again) {
  Ring<Entry> ring{4};
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  ring.header().entries = proto::kRingEntriesMax;
  ring.header().entry_bytes = 1;
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(producer.try_push(Entry::of(i)));
  EXPECT_FALSE(producer.try_push(Entry::of(4)));
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_EQ(consumer.try_pop()->number, i);
}

TEST(HostileRing, a_popped_entry_is_a_copy) {
  Ring<Entry> ring{1};
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  ASSERT_TRUE(producer.try_push(Entry::of(1)));
  const auto entry = consumer.try_pop();
  std::memset(&ring.memory()[sizeof(proto::RingHeader)], 0xff, sizeof(Entry));
  EXPECT_EQ(entry->number, 1U);
}

void expect_refused(std::span<std::byte> memory, const char* cause) {
  auto producer = RingProducer<Entry>::open(memory, kVersion);
  auto consumer = RingConsumer<Entry>::open(memory, kVersion);
  ASSERT_FALSE(producer.has_value()) << cause;
  ASSERT_FALSE(consumer.has_value()) << cause;
  EXPECT_EQ(producer.error().code, Code::kRingCorrupt);
  EXPECT_NE(consumer.error().message.find(cause), std::string::npos) << consumer.error().message;
}

TEST(HostileRing, a_header_that_describes_another_ring_is_refused) {
  auto with = [](auto change, const char* cause) {
    Ring<Entry> ring{4};
    change(ring.header());
    expect_refused(ring.memory(), cause);
  };
  with([](auto& header) { header.magic ^= 1; }, "magic");
  with([](auto& header) { header.version = 2; }, "ring version");
  with([](auto& header) { header.entry_version = 8; }, "entry version");
  with([](auto& header) { header.entry_bytes = 128; }, "entry size");
  for (std::uint32_t entries : {0U, 3U, 5U, proto::kRingEntriesMax * 2, 0xffff'ffffU}) {
    with([&](auto& header) { header.entries = entries; }, "entry count");
  }
  with([](auto& header) { header.entries = proto::kRingEntriesMax; }, "too short");
}

TEST(HostileRing, memory_that_can_not_hold_it_is_refused) {
  Ring<Entry> ring{4};
  const std::size_t bytes = proto::ring_bytes(4, sizeof(Entry));
  expect_refused({}, "shorter");
  expect_refused(ring.memory().first(sizeof(proto::RingHeader) - 1), "shorter");
  expect_refused(ring.memory().first(bytes - 1), "too short");
  expect_refused(ring.memory().subspan(8), "aligned");
}

TEST(HostileRingDeathTest, formatting_what_can_be_no_ring_aborts) {
  Ring<Entry> ring{4};
  EXPECT_DEATH(format_ring<Entry>(ring.memory(), 3, kVersion), "");
  EXPECT_DEATH(format_ring<Entry>(ring.memory(), proto::kRingEntriesMax, kVersion), "");
  EXPECT_DEATH(format_ring<Entry>(ring.memory().subspan(4), 4, kVersion), "");
}

}  // namespace
}  // namespace mapwire
