#include "mapwire/endpoints/window.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/tripwire_impl.h"

namespace mapwire {

Window::Window(Endpoint endpoint, const WindowTerms& terms)
    : endpoint_{std::move(endpoint)}, terms_{terms} {}

bool Window::mapped() const { return endpoint_.impl_->has_mapped_window(); }

// Overflow-safe: the offset is the caller's.
bool Window::allows(bool WindowRights::* right, std::uint64_t offset, std::uint64_t bytes) const {
  const std::uint64_t all = terms_.memory.bytes;
  return terms_.rights.*right && offset <= all && bytes <= all - offset;
}

std::optional<RemoteBuffer> Window::reach(bool WindowRights::* right, std::uint64_t offset,
                                          std::uint64_t bytes) const {
  if (!allows(right, offset, bytes)) return {};
  return terms_.memory.at(offset);
}

Code Window::put(std::uint64_t offset, ConstBuffer source, std::uint64_t cookie) {
  const std::span<const std::byte> memory = source.memory();
  if (!allows(&WindowRights::write, offset, memory.size())) return Code::kRemoteAccess;
  if (mapped()) {
    if (const auto code = endpoint_.impl_->put_mapped(offset, memory, cookie)) return *code;
  }
  return endpoint_.post_write(source, terms_.memory.at(offset), cookie);
}

Code Window::put_notify(std::uint64_t offset, ConstBuffer source, std::uint32_t number,
                        std::uint64_t cookie) {
  const auto target = reach(&WindowRights::write, offset, source.memory().size());
  return target ? endpoint_.post_write(source, *target, cookie, number) : Code::kRemoteAccess;
}

// By the wire a READ: it is served after every request before it (IBTA 9.5), and an empty one needs
// no key.
Code Window::flush(std::uint64_t cookie) {
  if (mapped()) {
    if (const auto code = endpoint_.impl_->get_mapped(0, {}, cookie)) return *code;
  }
  return endpoint_.post_read(std::span<std::byte>{}, terms_.memory, cookie);
}

Code Window::get(std::uint64_t offset, MutableBuffer target, std::uint64_t cookie) {
  const std::span<std::byte> memory = target.memory();
  if (!allows(&WindowRights::read, offset, memory.size())) return Code::kRemoteAccess;
  if (mapped()) {
    if (const auto code = endpoint_.impl_->get_mapped(offset, memory, cookie)) return *code;
  }
  return endpoint_.post_read(target, terms_.memory.at(offset), cookie);
}

template <class Buffer>
Code Window::access_elements(bool WindowRights::* right, std::uint64_t offset,
                             std::span<const Buffer> elements, std::uint64_t cookie) {
  if (elements.size() > kElementsMax) return Code::kInvalidArgument;
  std::uint64_t bytes = 0;
  for (const Buffer& element : elements) {
    const std::uint64_t more = element.memory().size();
    if (more > terms_.memory.bytes - bytes) return Code::kRemoteAccess;  // or the sum runs over
    bytes += more;
  }
  if (!allows(right, offset, bytes)) return Code::kRemoteAccess;
  if (mapped()) {
    const auto code = endpoint_.impl_->access_mapped_elements(offset, elements, bytes, cookie);
    if (code) return *code;
  }
  return endpoint_.impl_->post_elements(
      right == &WindowRights::write ? Operation::kWrite : Operation::kRead, elements,
      terms_.memory.at(offset), cookie);
}

Code Window::put(std::uint64_t offset, std::span<const ConstBuffer> sources, std::uint64_t cookie) {
  return access_elements(&WindowRights::write, offset, sources, cookie);
}

Code Window::get(std::uint64_t offset, std::span<const MutableBuffer> targets,
                 std::uint64_t cookie) {
  return access_elements(&WindowRights::read, offset, targets, cookie);
}

Code Window::fetch_add(std::uint64_t offset, std::uint64_t amount, std::uint64_t& original,
                       std::uint64_t cookie) {
  if (!allows(&WindowRights::atomics, offset, sizeof(original))) return Code::kRemoteAccess;
  if (mapped()) {
    if (const auto code = endpoint_.impl_->atomic_mapped(Operation::kFetchAdd, original, offset, 0,
                                                         amount, cookie)) {
      return *code;
    }
  }
  return endpoint_.post_fetch_add(original, terms_.memory.at(offset), amount, cookie);
}

Code Window::compare_swap(std::uint64_t offset, std::uint64_t compare, std::uint64_t swap,
                          std::uint64_t& original, std::uint64_t cookie) {
  if (!allows(&WindowRights::atomics, offset, sizeof(original))) return Code::kRemoteAccess;
  if (mapped()) {
    if (const auto code = endpoint_.impl_->atomic_mapped(Operation::kCompareSwap, original, offset,
                                                         compare, swap, cookie)) {
      return *code;
    }
  }
  return endpoint_.post_compare_swap(original, terms_.memory.at(offset), compare, swap, cookie);
}

std::expected<Tripwire, Error> Window::set_tripwire(std::uint64_t offset, std::uint64_t bytes,
                                                    const TripwireOptions& options) {
  if (auto right = Tripwire::Impl::check(offset, bytes, terms_.memory.bytes, options); !right) {
    return std::unexpected(right.error());
  }
  auto hung = endpoint_.impl_->hang_tripwire(terms_.memory.address + offset, bytes, options);
  if (!hung) return std::unexpected(hung.error());
  return Tripwire{std::move(*hung)};
}

}  // namespace mapwire
