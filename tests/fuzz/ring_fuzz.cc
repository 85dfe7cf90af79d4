// Rings whose peer writes anything anywhere at any time. Each input is a header to open and then a
// series of steps. The honest end must stay inside its memory (AddressSanitizer watches the block)
// and never take or give more entries than the ring holds.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/spsc_ring.h"
#include "tests/fuzz/fuzz.h"

namespace mapwire {
namespace {

using Entry = proto::ReceiveDescriptor;
constexpr std::uint32_t kEntries = 8;
constexpr std::size_t kBytes = proto::ring_bytes(kEntries, sizeof(Entry));

enum class Step : std::uint8_t { kPush, kPop, kForgeHead, kForgeTail, kScribble, kSteps };

struct alignas(proto::kCacheLine) Memory {
  std::array<std::byte, kBytes> bytes;
  proto::RingHeader& header() { return *reinterpret_cast<proto::RingHeader*>(bytes.data()); }
};

void scribble(std::span<std::byte> memory, fuzz::Input& input) {
  const std::size_t offset = input.take<std::uint16_t>() % memory.size();
  const auto bytes = input.take_bytes(std::min<std::size_t>(memory.size() - offset, 8));
  if (!bytes.empty()) std::memcpy(memory.data() + offset, bytes.data(), bytes.size());
}

// Near indices are the interesting ones.
std::uint32_t forged_index(fuzz::Input& input) {
  return proto::kRingFirstIndex + static_cast<std::uint32_t>(input.take<std::int16_t>());
}

void use(Memory& memory, RingProducer<Entry> producer, RingConsumer<Entry> consumer,
         fuzz::Input& input) {
  std::uint64_t pushed = 0;
  while (!input.empty()) {
    switch (
        static_cast<Step>(input.take<std::uint8_t>() % static_cast<std::uint8_t>(Step::kSteps))) {
      case Step::kPush: {
        const bool corrupt = producer.corrupt();
        const bool accepted = producer.try_push(Entry{.cookie = pushed});
        fuzz::require(!(corrupt && accepted), "a corrupt ring takes nothing");
        if (accepted) ++pushed;
        break;
      }
      case Step::kPop: {
        const bool corrupt = consumer.corrupt();
        fuzz::require(!(corrupt && consumer.try_pop()), "a corrupt ring gives nothing");
        break;
      }
      case Step::kForgeHead: memory.header().head = forged_index(input); break;
      case Step::kForgeTail: memory.header().tail = forged_index(input); break;
      case Step::kScribble: scribble(memory.bytes, input); break;
      case Step::kSteps: break;
    }
    fuzz::require(producer.free_entries() <= kEntries, "free entries fit");
    fuzz::require(consumer.available() <= kEntries, "available entries fit");
    fuzz::require(producer.capacity() == kEntries && consumer.capacity() == kEntries,
                  "the capacity stays");
  }
}

}  // namespace
}  // namespace mapwire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  fuzz::Input input{data, size};
  const auto memory = std::make_unique<Memory>();
  format_ring<Entry>(memory->bytes, kEntries, proto::kDescriptorVersion);
  // A header by the peer: refused, or it describes the ring that fits the memory.
  for (std::uint8_t changes = input.take<std::uint8_t>() % 4; changes > 0; --changes) {
    scribble(std::span{memory->bytes}.first(sizeof(proto::RingHeader)), input);
  }
  auto producer = RingProducer<Entry>::open(memory->bytes, proto::kDescriptorVersion);
  auto consumer = RingConsumer<Entry>::open(memory->bytes, proto::kDescriptorVersion);
  fuzz::require(producer.has_value() == consumer.has_value(), "both ends judge alike");
  if (!producer) return 0;
  if (producer->capacity() != kEntries) {
    fuzz::require(producer->capacity() < kEntries, "a larger ring does not fit");
    return 0;
  }
  use(*memory, *producer, *consumer, input);
  return 0;
}
