// The second-chance clock (Corbato, 1968): a hand goes round and passes over what was used since it
// came by last.
#pragma once

#include <vector>

#include "mapwire/tlb/replacement.h"

namespace mapwire::tlb {

class ClockReplacement final : public Replacement {
 public:
  explicit ClockReplacement(std::size_t size) : places_(size) {}

  void insert(std::uint32_t id) override { places_[id] = Place::kUsed; }
  void erase(std::uint32_t id) override { places_[id] = Place::kEmpty; }
  void touch(std::uint32_t id) override { places_[id] = Place::kUsed; }
  std::optional<std::uint32_t> victim(std::span<const std::uint32_t> uses) override;

 private:
  enum class Place : std::uint8_t { kEmpty, kPassed, kUsed };

  std::vector<Place> places_;
  std::uint32_t hand_ = 0;
};

}  // namespace mapwire::tlb
