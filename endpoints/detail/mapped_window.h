// The exporter's memory as an importer of the same host has it: mapped.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <utility>

#include "mapwire/endpoints/window.h"
#include "mapwire/proto/window_notice.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/memfd.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire::detail {

// How the processor's protection, which knows reading, and reading with writing, gives the rights.
// Nothing: it can not.
std::optional<Sharing> pages_for(const WindowRights& rights);

class MappedWindow {
 public:
  // Of what the exporter of `terms` has passed. Errors: those of Mapping::of_peer; kProtocolError
  // (rights that no honest exporter shares pages for).
  static std::expected<MappedWindow, Error> map(const UniqueFd& memory, const UniqueFd& notice,
                                                const WindowTerms& terms);

  // Precondition: `offset` lies in the window.
  std::byte* at(std::uint64_t offset) const { return memory_.memory().data() + offset; }

  // After an access: whether the export had ended, so that it may not have been one of the
  // exporter's memory (window_memory.cc has the other side).
  bool ended() const {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return reinterpret_cast<const proto::WindowNotice*>(notice_.memory().data())
               ->ended.load(std::memory_order_relaxed) != 0;
  }

 private:
  MappedWindow(Mapping memory, Mapping notice)
      : memory_{std::move(memory)}, notice_{std::move(notice)} {}

  Mapping memory_;
  Mapping notice_;
};

}  // namespace mapwire::detail
