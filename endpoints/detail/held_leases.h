// The leases that an importer holds on parts of a buffer, and its accesses: those that are under
// way with the key of one, and those behind them that wait for one. They keep the order of their
// posts, so one that waits holds up all that follow.
//
// Threads: guarded by the context's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "mapwire/endpoints/detail/lease.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/proto/descriptor.h"

namespace mapwire::detail {

// Of one importer. A look-up may see them all, which takes less than a request on any device.
inline constexpr std::size_t kHeldLeasesMax = 128;
// Whoever goes through a buffer from its front gets ever longer leases, up to this.
inline constexpr std::uint64_t kGrownLeaseBytesMax = std::uint64_t{1} << 20;

class HeldLeases {
 public:
  // Of the buffer of these terms, which are leased; for at most `accesses` at once.
  HeldLeases(const WindowTerms& terms, std::size_t accesses);

  // Adds an access, which waits. False: it has more bytes than are leased. Precondition: there is
  // room; it lies in the buffer.
  bool add(const proto::SendDescriptor& access);
  // The oldest that waits, with the key of a lease on its memory. Null: there is none, or none
  // waits.
  const proto::SendDescriptor* ready();
  // The one of ready() is under way.
  void on_posted();
  // The oldest that is under way has completed.
  void on_completed();
  bool none_under_way() const { return oldest_ == waiting_; }

  // What to ask the exporter for now, so that the oldest that waits can go on; when it is asked,
  // wanted_since() tells. Nothing: nobody waits, it is asked already, or there are no more leases
  // to have before one is out of use.
  std::optional<LeaseRange> want(std::uint64_t now_ns);
  std::optional<std::uint64_t> wanted_since_ns() const;
  // A lease that is to be returned now, its key: one that was recalled and is out of use; or the
  // one longest out of use, if there is no room for one that is wanted. Nothing: none is.
  std::optional<std::uint32_t> give_back();

  // The exporter's answers. False: nothing was asked.
  bool on_granted(std::uint32_t rkey);
  bool on_refused(Code code);
  std::optional<Code> refused() const { return refused_; }
  // One that is unknown was returned meanwhile.
  void on_recalled(std::uint32_t rkey);

 private:
  struct Lease {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;   // begin: free
    std::uint64_t used = 0;  // when, by clock_
    std::uint32_t rkey = 0;
    std::uint32_t uses = 0;  // accesses under way
    bool recalled = false;

    bool free() const { return begin == end; }
    bool covers(std::uint64_t address, std::uint64_t bytes) const {
      return !recalled && address >= begin && address < end && bytes <= end - address;
    }
  };
  struct Access {
    proto::SendDescriptor descriptor;
    std::uint64_t bytes = 0;
    Lease* lease = nullptr;  // null: it waits, or needs none
  };
  struct Wanted {
    LeaseRange range;
    std::uint64_t since_ns = 0;
  };

  Access& at(std::uint64_t number) { return accesses_[number % accesses_.size()]; }
  // What waits and has no lease. Null: nothing.
  const Access* in_want();
  Lease* find(std::uint64_t address, std::uint64_t bytes);
  Lease* free_one();
  LeaseRange range_for(const Access& access) const;

  const std::uint64_t address_;  // the buffer's
  const std::uint64_t buffer_bytes_;
  const LeaseBytes bytes_;
  std::vector<Lease> leases_;  // never moves
  Lease* recent_ = &leases_.front();
  std::uint64_t clock_ = 0;
  // Numbers of accesses: the oldest under way, the oldest that waits, the next.
  std::vector<Access> accesses_;
  std::uint64_t oldest_ = 0;
  std::uint64_t waiting_ = 0;
  std::uint64_t next_ = 0;
  std::optional<Wanted> wanted_;
  bool exact_ = false;  // the last was refused
  std::optional<Code> refused_;
};

}  // namespace mapwire::detail
