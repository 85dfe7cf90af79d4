// Copies of memory that a peer may reach while the application uses it.
#pragma once

#include <cstddef>
#include <cstring>

#ifdef __SANITIZE_THREAD__
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace mapwire::nic_fw {

// As std::memcpy. Whoever polls memory that a peer writes races with the copy on purpose, as with
// that of a device, and what orders the two is in the peer's hands or in memory that is mapped
// twice. So the thread sanitizer is told not to look, as it does not look at a device either.
inline void copy_as_device(std::byte* to, const std::byte* from, std::size_t bytes) {
#ifdef __SANITIZE_THREAD__
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
  std::memcpy(to, from, bytes);
#ifdef __SANITIZE_THREAD__
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
#endif
}

}  // namespace mapwire::nic_fw
