// What kind of memory lies at an address, as the kernel tells it.
#pragma once

#include <optional>

#include "mapwire/tlb/range.h"

namespace mapwire::tlb {

// The whole of the mappings that `range` lies in, if a translation of it may be kept: its memory is
// private, anonymous and of ordinary pages, readable (and writable if `writable`), and no part is a
// stack that is known as one. Every other kind can change without a word to a watch: a file or
// shared memory by truncation and punched holes, huge pages of hugetlbfs as the probe does not work
// on them, a stack by the guard pages that newer C libraries put there.
//
// Reads /proc/self/maps; without it nothing may be kept. Any thread.
std::optional<Range> keepable_mapping(const Range& range, bool writable);

// Whether all pages of `range`, whole ones, are mapped now, with whatever rights. One system call,
// whose time is that of the number of mappings. Any thread.
bool is_mapped(const Range& range);

}  // namespace mapwire::tlb
