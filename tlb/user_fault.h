// userfaultfd(2), used as a watch on changes of the memory map: no page fault is ever handled.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/unique_fd.h"
#include "mapwire/tlb/range.h"

namespace mapwire::tlb {

// What happened to watched memory. Who did it is held in its system call until the change is read.
struct Change {
  enum class Kind : std::uint8_t {
    kUnmapped,  // the range is gone; other memory may be there already
    kMoved,     // to `target`; what was there is gone
    kRemoved,   // its pages will be taken away now: contents are lost, the mapping stays
  };
  Kind kind = Kind::kUnmapped;
  Range range;
  Range target{};
};

// What the kernel says of a range.
enum class Probe : std::uint8_t {
  kWatched,    // lies in one mapping that is watched, and no change of it waits to be read
  kChanging,   // some change on this descriptor has not been acknowledged by its caller
  kUnwatched,  // unmapped, other memory, or several mappings
};

// Threads: any may call anything; a change is read by one of those that read.
class UserFault {
 public:
  // Errors: kPermission, kSystemCall (the kernel has none, or too old a one).
  static std::expected<UserFault, Error> open();

  int fd() const { return fd_.get(); }

  // Watches a range of whole pages of anonymous private memory. 0, or the errno: EBUSY if another
  // descriptor watches a part, EINVAL if a part can not be watched, ENOMEM if the process has too
  // many mappings.
  int watch(const Range& range) const;
  // Ends it. No effect on what is not watched.
  void unwatch(const Range& range) const;

  // One system call of constant time. Only for ranges given to watch().
  Probe probe(const Range& range) const;

  // The oldest change, which lets its caller go on. Nothing: there is none.
  std::optional<Change> read_change() const;

 private:
  explicit UserFault(UniqueFd fd) : fd_{std::move(fd)} {}

  UniqueFd fd_;
};

}  // namespace mapwire::tlb
