// Least recently used: a list in the order of use.
#pragma once

#include <vector>

#include "mapwire/tlb/replacement.h"

namespace mapwire::tlb {

class LruReplacement final : public Replacement {
 public:
  explicit LruReplacement(std::size_t size);

  void insert(std::uint32_t id) override { link(id); }
  void erase(std::uint32_t id) override { unlink(id); }
  void touch(std::uint32_t id) override {
    unlink(id);
    link(id);
  }
  std::optional<std::uint32_t> victim(std::span<const std::uint32_t> uses) override;

 private:
  struct Links {
    std::uint32_t newer = 0;
    std::uint32_t older = 0;
  };

  void link(std::uint32_t id);
  void unlink(std::uint32_t id);

  std::uint32_t ends_;  // the list is a ring through this one: newer is the oldest of all
  std::vector<Links> links_;
};

}  // namespace mapwire::tlb
