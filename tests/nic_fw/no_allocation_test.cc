// After set-up the engine and the UDP wire live from what they have.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/nic_fw/udp_wire.h"
#include "tests/nic_fw/engine_test_support.h"
#include "tests/nic_fw/udp_test_support.h"

namespace {

// Counts the allocations of this thread.
thread_local std::uint64_t allocations = 0;

void* counted(std::size_t bytes) {
  ++allocations;
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): this is what operator new is made of.
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

// The whole test program allocates through these; new[] and nothrow new end here too.
// NOLINTBEGIN(cppcoreguidelines-no-malloc): operator new has nothing else to stand on.
void* operator new(std::size_t bytes) { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc)

namespace mapwire::nic_fw::engine_test {
namespace {

using enum proto::WorkOpcode;

// Carries what `from` has to send to `to` through one buffer. Every seventh packet is lost.
bool carry_some(Host& from, Host& to, std::span<std::byte> buffer, unsigned& count,
                std::uint64_t now_ns) {
  bool sent = false;
  TransmitSlot slot{.flow = {}, .bytes = buffer, .used = 0};
  while (from.engine.transmit({&slot, 1}, true, now_ns) == 1) {
    sent = true;
    if (++count % 7 != 0) to.engine.on_packet(slot.flow, buffer.first(slot.used), now_ns);
  }
  return sent;
}

TEST(NoAllocation, happens_on_the_data_path) {
  Pair pair;
  const auto message = test_bytes(20'000);
  std::vector<std::byte> target(20'000);
  std::vector<std::byte> buffer(proto::kPacketBytesMax);
  std::array<std::uint64_t, 1> word{0};
  const auto keys = *pair.b.engine.register_memory(
      target, {.remote_read = true, .remote_write = true, .remote_atomic = true}, 1);
  unsigned count = 0;

  const std::uint64_t before = allocations;
  for (std::uint64_t round = 0; round < 20; ++round) {
    pair.post_b(receive_of(round, target));
    pair.post_a(send_of(round, message));
    pair.post_a(remote_of(round, kWrite, message, address_of(target), keys.rkey));
    pair.post_a(remote_of(round, kRead, target, address_of(target), keys.rkey));
    pair.post_a(
        remote_of(round, kFetchAdd, std::as_bytes(std::span{word}), address_of(target), keys.rkey));
    for (int step = 0; step < 50; ++step) {
      pair.now_ns += kMs;
      carry_some(pair.a, pair.b, buffer, count, pair.now_ns);
      carry_some(pair.b, pair.a, buffer, count, pair.now_ns);
      pair.a.engine.on_time(pair.now_ns);
      pair.b.engine.on_time(pair.now_ns);
    }
  }
  pair.a.engine.flush_queue_pair(pair.qa.qpn(), Code::kPeerDead);
  const std::uint64_t after = allocations;

  EXPECT_EQ(after, before);
  EXPECT_GT(pair.a.counters().retransmitted_packets.value(), 0U);
  EXPECT_EQ(pair.a.completions().size(), 80U);
}

// Runs and single packets, more of them than one call hands out.
TEST(NoAllocation, happens_in_the_udp_wire) {
  const auto wire = std::move(*make_udp_wire({}, nullptr));
  const auto here = *wire->open(ip("127.0.0.1"));
  const auto bytes = pattern(64, 1);
  const auto longer = pattern(68, 1);
  std::vector<WirePacket> packets(100, {.flow = {here, here}, .bytes = bytes});
  packets[50].bytes = longer;

  const std::uint64_t before = allocations;
  std::size_t received = 0;
  ASSERT_EQ(wire->send(packets, 0), packets.size());
  while (received < 100 && (wire->next_deadline_ns() == 0 || readable(wire->event_fd(), 1000))) {
    received += wire->receive(std::span{packets}.first(40), 0);
  }
  const std::uint64_t after = allocations;

  EXPECT_EQ(after, before);
  EXPECT_EQ(received, 100U);
}

}  // namespace
}  // namespace mapwire::nic_fw::engine_test
