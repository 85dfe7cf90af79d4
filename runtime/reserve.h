// Room in lists that grow by one entry at a time, so that the data path never allocates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mapwire {

// Room for `entries` in all. It doubles, which keeps the cost of many calls linear.
template <class T>
void reserve_doubling(std::vector<T>& list, std::size_t entries) {
  if (entries > list.capacity()) list.reserve(std::max(entries, 2 * list.capacity()));
}

}  // namespace mapwire
