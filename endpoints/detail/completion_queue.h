// Completions that wait for the application to take them.
#pragma once

#include <cstddef>
#include <span>

#include "mapwire/endpoints/completion.h"
#include "mapwire/runtime/lazy_memory.h"

namespace mapwire::detail {

// A FIFO whose capacity is reserved when endpoints open, so that pushing never allocates: an
// endpoint has at most send_entries + receive_entries requests that the application has not seen
// complete. That so many ever wait is rare: whenever it was empty it begins anew at its first page.
//
// Threads: guarded by the context's lock.
class CompletionQueue {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // Makes room for `capacity` completions in all; keeps what is there. May allocate.
  void reserve(std::size_t capacity);
  // Precondition: there is room. Aborts otherwise.
  void push(const Completion& completion);
  // Moves up to out.size() completions out, oldest first; returns their number.
  std::size_t take(std::span<Completion> out);

 private:
  LazyArray<Completion> ring_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace mapwire::detail
