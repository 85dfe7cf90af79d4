// The context's side of a registered memory region.
#pragma once

#include <memory>
#include <optional>

#include "mapwire/endpoints/detail/data_path.h"
#include "mapwire/endpoints/memory.h"
#include "mapwire/runtime/arena.h"

namespace mapwire {

class MemoryRegion::Owner {
 public:
  // `arena` holds the memory if it is ours.
  Owner(std::shared_ptr<detail::DataPath> path, std::optional<Arena> arena)
      : path_{std::move(path)}, arena_{std::move(arena)} {}

  // Ends the keys, unless the context is gone and they with it. Takes the context's lock.
  void deregister(std::uint32_t lkey);

 private:
  std::shared_ptr<detail::DataPath> path_;
  std::optional<Arena> arena_;
};

}  // namespace mapwire
