// Completions that wait for the application to take them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "mapwire/endpoints/completion.h"

namespace mapwire::detail {

// A FIFO whose capacity is reserved when endpoints open, so that pushing never allocates: an
// endpoint has at most send_entries + receive_entries requests that the application has not seen
// complete.
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
  std::vector<Completion> ring_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace mapwire::detail
