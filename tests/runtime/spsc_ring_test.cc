#include "mapwire/runtime/spsc_ring.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "mapwire/proto/ring_layout.h"
#include "tests/runtime/ring_test_support.h"

namespace mapwire {
namespace {

using proto::kRingFirstIndex;
using testing::Entry;
using testing::kVersion;
using testing::Ring;

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
