#include "mapwire/tlb/lru_replacement.h"

namespace mapwire::tlb {

LruReplacement::LruReplacement(std::size_t size)
    : ends_{static_cast<std::uint32_t>(size)}, links_(size + 1) {
  links_[ends_] = {.newer = ends_, .older = ends_};
}

void LruReplacement::link(std::uint32_t id) {
  const std::uint32_t newest = links_[ends_].older;
  links_[id] = {.newer = ends_, .older = newest};
  links_[newest].newer = id;
  links_[ends_].older = id;
}

void LruReplacement::unlink(std::uint32_t id) {
  const Links links = links_[id];
  links_[links.newer].older = links.older;
  links_[links.older].newer = links.newer;
}

std::optional<std::uint32_t> LruReplacement::victim(std::span<const std::uint32_t> uses) {
  for (std::uint32_t id = links_[ends_].newer; id != ends_; id = links_[id].newer) {
    if (uses[id] == 0) return id;
  }
  return std::nullopt;
}

}  // namespace mapwire::tlb
