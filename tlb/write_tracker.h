// Which pages of a range were stored to since somebody last asked, by the processor or by the
// kernel for a system call of this process.
//
// The kernel protects the pages against writing, and takes the protection off a page by itself
// when it is stored to: asynchronous write protection of userfaultfd(2). PAGEMAP_SCAN of
// /proc/self/pagemap asks which pages have lost it, and gives it back to them in one step, so that
// no store is between the two. Both are there since Linux 6.7. A store finds its page protected
// once per question; those that follow cost nothing.
//
// Where the kernel does not tell, every page counts as stored to, each time: also for memory that
// another descriptor watches (AddressWatch), of a kind that can not be watched, or that was
// unmapped and mapped anew since.
//
// Not told: stores through another mapping of the same file, by a child of fork, by other processes
// and by devices; and of what the kernel writes into pages that it has pinned for it (direct and
// asynchronous input, process_vm_writev), what comes after the question that follows the pinning. A
// child of fork that does not exec keeps the memory watched, so that nobody else can.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "mapwire/runtime/unique_fd.h"
#include "mapwire/tlb/range.h"

namespace mapwire::tlb {

// Threads: one at a time.
class WriteTracker {
 public:
  // Of a range of whole pages, which stay mapped as long as this lives, or collect() tells all of
  // what is left.
  explicit WriteTracker(const Range& range);

  // Whether the kernel tells. It may stop to (see above), and then never does again.
  bool told() const { return static_cast<bool>(fault_); }

  // Replaces `stored` by where stores may have happened since the last call, or since the range was
  // mapped: disjoint ranges of whole pages in the order of their addresses. A store that is not
  // told by a call is told by the next one. Does not allocate if `stored` has room for
  // ranges_max().
  void collect(std::vector<Range>& stored);
  // The memory is as if it had never been tracked; from now on the kernel does not tell.
  void stop();
  std::size_t ranges_max() const { return range_.bytes() / kPageBytes / 2 + 1; }

 private:
  bool scan(std::vector<Range>& stored) const;

  Range range_;
  UniqueFd fault_;
  UniqueFd pagemap_;
};

// Why the kernel does not tell this process of stores, as a sentence; empty if it does.
std::string obstacle_to_tracking();

}  // namespace mapwire::tlb
