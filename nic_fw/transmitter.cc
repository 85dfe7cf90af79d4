#include "mapwire/nic_fw/transmitter.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/proto/packet.h"
#include "mapwire/proto/ring_layout.h"

namespace mapwire::nic_fw {
namespace {

// A full socket buffer of some megabytes drains for milliseconds; a part of it does sooner.
constexpr std::uint64_t kRetryAfterNs = 50'000;

// Batches of one call: 1 MiB at the largest path MTU, so that a long message of one queue pair does
// not keep the caller from receiving.
constexpr int kBatchesPerCall = 4;

constexpr std::size_t kBufferStride =
    (proto::kPacketBytesMax + proto::kCacheLine - 1) / proto::kCacheLine * proto::kCacheLine;

}  // namespace

Transmitter::Transmitter(Engine& engine, Wire& wire)
    : engine_{engine}, wire_{wire}, buffers_(kBatchPackets * kBufferStride) {
  for (std::size_t i = 0; i < kBatchPackets; ++i) {
    slots_[i].bytes = std::span{buffers_}.subspan(i * kBufferStride, proto::kPacketBytesMax);
  }
}

void Transmitter::transmit(bool acknowledge, std::uint64_t now_ns) {
  if (!send(now_ns)) return;
  for (int batch = 0; batch < kBatchesPerCall; ++batch) {
    fill(acknowledge, now_ns);
    const bool engine_has_more = waiting_.size() == kBatchPackets;
    if (!send(now_ns) || !engine_has_more) return;
  }
}

void Transmitter::fill(bool acknowledge, std::uint64_t now_ns) {
  const std::size_t filled = engine_.transmit(slots_, acknowledge, now_ns);
  for (std::size_t i = 0; i < filled; ++i) {
    packets_[i] = {.flow = slots_[i].flow, .bytes = slots_[i].bytes.first(slots_[i].used)};
  }
  waiting_ = std::span{packets_}.first(filled);
}

// Returns whether nothing waits any more.
bool Transmitter::send(std::uint64_t now_ns) {
  if (waiting_.empty()) return true;
  waiting_ = waiting_.subspan(wire_.send(waiting_, now_ns));
  retry_at_ns_ = waiting_.empty() ? kNever : now_ns + kRetryAfterNs;
  return waiting_.empty();
}

}  // namespace mapwire::nic_fw
