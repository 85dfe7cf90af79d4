#include "mapwire/endpoints/window.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "mapwire/endpoints/detail/endpoint_impl.h"

namespace mapwire {

Window::Window(Endpoint endpoint, const WindowTerms& terms)
    : endpoint_{std::move(endpoint)}, terms_{terms} {}

bool Window::mapped() const { return endpoint_.impl_->has_mapped_window(); }

// Overflow-safe: the offset is the caller's.
std::optional<RemoteBuffer> Window::reach(bool WindowRights::* right, std::uint64_t offset,
                                          std::uint64_t bytes) const {
  const RemoteBuffer& memory = terms_.memory;
  if (!(terms_.rights.*right) || offset > memory.bytes || bytes > memory.bytes - offset) return {};
  return memory.at(offset);
}

Code Window::put(std::uint64_t offset, ConstBuffer source, std::uint64_t cookie) {
  const auto target = reach(&WindowRights::write, offset, source.memory().size());
  return target ? endpoint_.post_write(source, *target, cookie) : Code::kRemoteAccess;
}

Code Window::put_notify(std::uint64_t offset, ConstBuffer source, std::uint32_t number,
                        std::uint64_t cookie) {
  const auto target = reach(&WindowRights::write, offset, source.memory().size());
  return target ? endpoint_.post_write(source, *target, cookie, number) : Code::kRemoteAccess;
}

// A READ is served after every request before it (IBTA 9.5), and an empty one needs no key.
Code Window::flush(std::uint64_t cookie) {
  return endpoint_.post_read(std::span<std::byte>{}, terms_.memory, cookie);
}

Code Window::get(std::uint64_t offset, MutableBuffer target, std::uint64_t cookie) {
  const auto source = reach(&WindowRights::read, offset, target.memory().size());
  return source ? endpoint_.post_read(target, *source, cookie) : Code::kRemoteAccess;
}

Code Window::fetch_add(std::uint64_t offset, std::uint64_t amount, std::uint64_t& original,
                       std::uint64_t cookie) {
  const auto target = reach(&WindowRights::atomics, offset, sizeof(original));
  return target ? endpoint_.post_fetch_add(original, *target, amount, cookie) : Code::kRemoteAccess;
}

Code Window::compare_swap(std::uint64_t offset, std::uint64_t compare, std::uint64_t swap,
                          std::uint64_t& original, std::uint64_t cookie) {
  const auto target = reach(&WindowRights::atomics, offset, sizeof(original));
  return target ? endpoint_.post_compare_swap(original, *target, compare, swap, cookie)
                : Code::kRemoteAccess;
}

}  // namespace mapwire
