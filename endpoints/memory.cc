#include "mapwire/endpoints/memory.h"

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "mapwire/endpoints/detail/memory_owner.h"
#include "mapwire/tlb/address_watch.h"

namespace mapwire {

std::string obstacle_to_keeping_memory() {
  const auto watch = tlb::AddressWatch::get();
  return watch ? std::string{} : watch.error().message;
}

void MemoryRegion::Owner::deregister(std::uint32_t lkey) {
  const std::lock_guard guard{path_->lock()};
  if (path_->nic() != nullptr) path_->memory().deregister_memory(lkey);
}

MemoryRegion::MemoryRegion(std::shared_ptr<Owner> owner, std::span<std::byte> memory,
                           MemoryKeys keys)
    : owner_{std::move(owner)}, memory_{memory}, keys_{keys} {}

MemoryRegion& MemoryRegion::operator=(MemoryRegion&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(memory_, other.memory_);
  std::swap(keys_, other.keys_);
  return *this;
}

MemoryRegion::~MemoryRegion() {
  if (owner_) owner_->deregister(keys_.lkey);
}

}  // namespace mapwire
