#include "mapwire/endpoints/detail/completion_queue.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <utility>

namespace mapwire::detail {

void CompletionQueue::reserve(std::size_t capacity) {
  if (capacity <= ring_.size()) return;
  // Doubling keeps the cost of opening many endpoints linear.
  LazyArray<Completion> larger{std::max(capacity, 2 * ring_.size())};
  for (std::size_t i = 0; i < size_; ++i) larger[i] = ring_[(head_ + i) % ring_.size()];
  ring_ = std::move(larger);
  head_ = 0;
}

void CompletionQueue::push(const Completion& completion) {
  if (size_ == ring_.size()) std::abort();  // more completions than posts
  ring_[(head_ + size_) % ring_.size()] = completion;
  ++size_;
}

std::size_t CompletionQueue::take(std::span<Completion> out) {
  const std::size_t count = std::min(size_, out.size());
  for (std::size_t i = 0; i < count; ++i) out[i] = ring_[(head_ + i) % ring_.size()];
  size_ -= count;
  head_ = size_ == 0 ? 0 : (head_ + count) % ring_.size();
  return count;
}

}  // namespace mapwire::detail
