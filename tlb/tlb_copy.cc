// A miss of a small message: its bytes are copied to where they are pinned already.
#include <optional>
#include <span>

#include "mapwire/tlb/tlb.h"

namespace mapwire::tlb {

// Nothing: it is pinned like any other.
std::optional<Translation> Tlb::copy(std::span<const std::byte> memory) {
  const bool fits = memory.size() <= copy_slots_.slot_bytes() && numbers_left();
  if (!fits || !process_memory_.checks() || !pin_copy_slots()) return std::nullopt;
  const auto number = copy_slots_.take();
  if (!number) return std::nullopt;
  const auto to = copy_slots_.slot(*number).first(memory.size());
  // What is not there to be read is for pinning to refuse, which knows the reason.
  if (!process_memory_.read(reinterpret_cast<std::uint64_t>(memory.data()), to)) {
    copy_slots_.give_back(*number);
    return std::nullopt;
  }
  counters_.copied.add();
  Translation translation = enter({.lkey = *copies_lkey_, .copy = number}, nullptr);
  translation.copy = to.data();
  return translation;
}

// When they are first wanted: a context that registers what it sends needs none. Others make room
// for them that one time; later they are only taken where there is room.
bool Tlb::pin_copy_slots() {
  if (copies_lkey_) return true;
  const std::span<std::byte> slots = copy_slots_.memory();
  if (slots.empty() || (copies_tried_ && !budget_.fits(slots.size(), false, 0))) return false;
  copies_tried_ = true;
  const auto keys = register_memory(slots, {.local_write = false});
  if (keys) copies_lkey_ = keys->lkey;
  return keys.has_value();
}

}  // namespace mapwire::tlb
