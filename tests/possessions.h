// What this process has of the system, as the kernel counts it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace mapwire {

struct Possessions {
  std::size_t resident_bytes = 0;
  std::size_t descriptors = 0;
};

inline Possessions possessions() {
  using Files = std::filesystem::directory_iterator;
  Possessions found;
  found.descriptors = static_cast<std::size_t>(std::distance(Files{"/proc/self/fd"}, Files{}));
  std::ifstream rollup{"/proc/self/smaps_rollup"};
  for (std::string word; rollup >> word;) {
    if (word != "Rss:") continue;
    rollup >> found.resident_bytes;  // in kibibytes there
    found.resident_bytes *= 1024;
    break;
  }
  return found;
}

}  // namespace mapwire
