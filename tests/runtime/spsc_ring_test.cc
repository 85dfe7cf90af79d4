#include "mapwire/runtime/spsc_ring.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/proto/ring_layout.h"
#include "mapwire/runtime/arena.h"

namespace mapwire {
namespace {

using proto::kRingFirstIndex;

// Large enough to show a torn copy.
struct Entry {
  std::uint64_t number = 0;
  std::array<std::uint64_t, 7> copies{};

  static Entry of(std::uint64_t number) {
    Entry entry{.number = number};
    entry.copies.fill(number);
    return entry;
  }
  bool whole() const {
    for (std::uint64_t copy : copies) {
      if (copy != number) return false;
    }
    return true;
  }
};
constexpr std::uint32_t kVersion = 9;

// A ring in an arena, whose memory the test may harm as a hostile peer could.
template <RingEntry T>
struct Ring {
  explicit Ring(std::uint32_t entries)
      : arena{*Arena::create("mapwire-ring-test", proto::ring_bytes(entries, sizeof(T)))} {
    format_ring<T>(memory(), entries, kVersion);
  }
  std::span<std::byte> memory() { return arena.memory(); }
  proto::RingHeader& header() { return *reinterpret_cast<proto::RingHeader*>(memory().data()); }
  RingProducer<T> producer() { return RingProducer<T>::open(memory(), kVersion).value(); }
  RingConsumer<T> consumer() { return RingConsumer<T>::open(memory(), kVersion).value(); }

  Arena arena;
};

TEST(SpscRing, entries_come_out_in_the_order_they_went_in) {
  Ring<Entry> ring{4};
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  EXPECT_EQ(producer.capacity(), 4U);
  EXPECT_EQ(consumer.capacity(), 4U);
  EXPECT_FALSE(consumer.try_pop());
  EXPECT_TRUE(producer.try_push(Entry::of(1)));
  EXPECT_TRUE(producer.try_push(Entry::of(2)));
  EXPECT_EQ(consumer.available(), 2U);
  EXPECT_EQ(consumer.try_pop()->number, 1U);
  EXPECT_EQ(consumer.try_pop()->number, 2U);
  EXPECT_FALSE(consumer.try_pop());
}

TEST(SpscRing, a_full_ring_refuses_until_there_is_room) {
  Ring<Entry> ring{2};
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  EXPECT_EQ(producer.free_entries(), 2U);
  EXPECT_TRUE(producer.try_push(Entry::of(1)));
  EXPECT_TRUE(producer.try_push(Entry::of(2)));
  EXPECT_FALSE(producer.try_push(Entry::of(3)));
  EXPECT_EQ(producer.free_entries(), 0U);
  EXPECT_EQ(consumer.try_pop()->number, 1U);
  EXPECT_EQ(producer.free_entries(), 1U);
  EXPECT_TRUE(producer.try_push(Entry::of(3)));
  EXPECT_EQ(consumer.try_pop()->number, 2U);
  EXPECT_EQ(consumer.try_pop()->number, 3U);
}

TEST(SpscRing, a_ring_of_one_entry_works) {
  Ring<Entry> ring{1};
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  for (std::uint64_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(producer.try_push(Entry::of(i)));
    ASSERT_FALSE(producer.try_push(Entry::of(i)));
    ASSERT_EQ(consumer.try_pop()->number, i);
    ASSERT_FALSE(consumer.try_pop());
  }
}

TEST(SpscRing, random_pushes_and_pops_match_a_queue_across_the_wrap_of_the_indices) {
  constexpr unsigned kSteps = 20'000;
  for (std::uint32_t entries : {1U, 2U, 64U, 1024U}) {
    Ring<Entry> ring{entries};
    auto producer = ring.producer();
    auto consumer = ring.consumer();
    std::deque<std::uint64_t> model;
    std::mt19937_64 random{entries};
    std::uint64_t next = 0;
    for (unsigned step = 0; step < kSteps; ++step) {
      if (random() % 2 == 0) {
        const bool pushed = producer.try_push(Entry::of(next));
        ASSERT_EQ(pushed, model.size() < entries);
        if (pushed) model.push_back(next++);
      } else {
        const auto popped = consumer.try_pop();
        ASSERT_EQ(popped.has_value(), !model.empty());
        if (!popped) continue;
        ASSERT_EQ(popped->number, model.front());
        model.pop_front();
      }
      ASSERT_EQ(consumer.available(), model.size());
      ASSERT_EQ(producer.free_entries(), entries - model.size());
    }
    EXPECT_LT(ring.header().tail, kRingFirstIndex) << "the test did not reach the wrap";
  }
}

TEST(SpscRing, full_across_the_wrap_of_the_indices) {
  Ring<Entry> ring{512};  // the wrap lies in the middle of the first 512 entries
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  for (std::uint64_t i = 0; i < 512; ++i) ASSERT_TRUE(producer.try_push(Entry::of(i)));
  EXPECT_FALSE(producer.try_push(Entry::of(512)));
  EXPECT_EQ(consumer.available(), 512U);
  for (std::uint64_t i = 0; i < 512; ++i) ASSERT_EQ(consumer.try_pop()->number, i);
  EXPECT_FALSE(consumer.try_pop());
}

// The tails that a consumer must not believe after 2 pushes and 1 pop in a ring of 4.
TEST(SpscRing, a_forged_tail_ends_the_consumer_for_ever) {
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

TEST(SpscRing, a_tail_within_reach_is_believed_and_what_lies_there_is_for_the_reader_to_check) {
  Ring<Entry> ring{4};
  auto consumer = ring.consumer();
  ring.header().tail = kRingFirstIndex + 4;
  EXPECT_EQ(consumer.available(), 4U);
  EXPECT_EQ(consumer.try_pop()->number, 0U);
  EXPECT_FALSE(consumer.corrupt());
}

TEST(SpscRing, a_forged_head_ends_the_producer_for_ever) {
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

TEST(SpscRing, an_end_does_not_read_back_its_own_index) {
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

TEST(SpscRing, an_open_end_does_not_believe_the_header_again) {
  Ring<Entry> ring{4};
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  ring.header().entries = proto::kRingEntriesMax;
  ring.header().entry_bytes = 1;
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(producer.try_push(Entry::of(i)));
  EXPECT_FALSE(producer.try_push(Entry::of(4)));
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_EQ(consumer.try_pop()->number, i);
}

TEST(SpscRing, a_popped_entry_is_a_copy) {
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

TEST(SpscRing, a_header_that_describes_another_ring_is_refused) {
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

TEST(SpscRing, memory_that_can_not_hold_it_is_refused) {
  Ring<Entry> ring{4};
  const std::size_t bytes = proto::ring_bytes(4, sizeof(Entry));
  expect_refused({}, "shorter");
  expect_refused(ring.memory().first(sizeof(proto::RingHeader) - 1), "shorter");
  expect_refused(ring.memory().first(bytes - 1), "too short");
  expect_refused(ring.memory().subspan(8), "aligned");
}

TEST(SpscRingDeathTest, formatting_what_can_be_no_ring_aborts) {
  Ring<Entry> ring{4};
  EXPECT_DEATH(format_ring<Entry>(ring.memory(), 3, kVersion), "");
  EXPECT_DEATH(format_ring<Entry>(ring.memory(), proto::kRingEntriesMax, kVersion), "");
  EXPECT_DEATH(format_ring<Entry>(ring.memory().subspan(4), 4, kVersion), "");
}

constexpr std::uint64_t kTransfers = 100'000;

void push_all(RingProducer<Entry> producer) {
  for (std::uint64_t i = 0; i < kTransfers; ++i) {
    while (!producer.try_push(Entry::of(i))) std::this_thread::yield();
  }
}

// Every entry arrives once, whole and in order.
void pop_all(RingConsumer<Entry> consumer) {
  for (std::uint64_t i = 0; i < kTransfers; ++i) {
    auto entry = consumer.try_pop();
    while (!entry) {
      std::this_thread::yield();
      entry = consumer.try_pop();
    }
    ASSERT_EQ(entry->number, i);
    ASSERT_TRUE(entry->whole());
  }
  EXPECT_FALSE(consumer.try_pop());
  EXPECT_FALSE(consumer.corrupt());
}

TEST(SpscRing, two_threads_exchange_entries) {
  Ring<Entry> ring{8};
  std::thread thread{push_all, ring.producer()};
  pop_all(ring.consumer());
  thread.join();
}

TEST(SpscRing, two_processes_exchange_entries_at_different_addresses) {
  Ring<Entry> ring{8};
  const pid_t child = fork();
  if (child == 0) {
    void* memory =
        mmap(nullptr, ring.memory().size(), PROT_READ | PROT_WRITE, MAP_SHARED, ring.arena.fd(), 0);
    if (memory == MAP_FAILED || memory == ring.memory().data()) _exit(1);
    auto producer = RingProducer<Entry>::open(
        {static_cast<std::byte*>(memory), ring.memory().size()}, kVersion);
    if (!producer) _exit(2);
    push_all(*producer);
    _exit(0);
  }
  pop_all(ring.consumer());
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mapwire
