// Accesses of an importer that has the exporter's memory mapped: they are over when they return,
// and complete with the next poll.
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/touch.h"
#include "mapwire/runtime/execute_atomic.h"

namespace mapwire {
namespace {

// Larger copies are made without the lock, for which the polls of others would wait.
constexpr std::size_t kCopiedLockedMax = 4096;

// Memory that is only read is written from; what may be written is read into.
template <class Buffer>
constexpr bool kIsSource = std::same_as<Buffer, ConstBuffer>;

bool is_null(std::span<const std::byte> memory) {
  return memory.data() == nullptr && !memory.empty();
}

}  // namespace

std::optional<uid_t> Endpoint::Impl::user_of_peer() {
  const std::lock_guard guard{path_->lock()};
  return state_ == State::kSettingUp ? path_->nic()->user_of(address_.qpn) : std::nullopt;
}

bool Endpoint::Impl::pass(int descriptor) {
  const std::lock_guard guard{path_->lock()};
  return state_ == State::kSettingUp && path_->nic()->pass_descriptor(address_.qpn, descriptor);
}

UniqueFd Endpoint::Impl::take_passed() {
  const std::lock_guard guard{path_->lock()};
  return state_ == State::kSettingUp ? path_->nic()->take_descriptor(address_.qpn) : UniqueFd{};
}

// (locked) Takes room for an access.
Endpoint::Impl::Admission Endpoint::Impl::admit_mapped() {
  if (state_ != State::kOpen || !sends_.empty()) return std::nullopt;
  const Code code = admit_send(false);
  if (code == Code::kOk) ++sends_unseen_;
  return code;
}

// (locked)
void Endpoint::Impl::complete_mapped(Operation operation, std::uint64_t offset, std::size_t bytes,
                                     std::uint64_t cookie) {
  const Code status = mapped_->ended() ? Code::kPeerClosed : Code::kOk;
  if (wires_) detail::touch(*wires_, operation, peer_.exported->memory.address + offset, bytes);
  deliver({.cookie = cookie,
           .endpoint = id_,
           .operation = operation,
           .status = status,
           .bytes = status == Code::kOk ? bytes : 0});
}

template <class Access>
Endpoint::Impl::Admission Endpoint::Impl::access_mapped(Operation operation, std::uint64_t offset,
                                                        std::size_t bytes, std::uint64_t cookie,
                                                        Access access) {
  {
    const std::lock_guard guard{path_->lock()};
    const auto admitted = admit_mapped();
    if (admitted != Code::kOk) return admitted;
    if (bytes <= kCopiedLockedMax) {
      access();
      complete_mapped(operation, offset, bytes, cookie);
      return admitted;
    }
  }
  access();
  const std::lock_guard guard{path_->lock()};
  complete_mapped(operation, offset, bytes, cookie);
  return Code::kOk;
}

Endpoint::Impl::Admission Endpoint::Impl::put_mapped(std::uint64_t offset,
                                                     std::span<const std::byte> source,
                                                     std::uint64_t cookie) {
  if (is_null(source)) return Code::kInvalidArgument;
  std::byte* const target = mapped_->at(offset);
  return access_mapped(Operation::kWrite, offset, source.size(), cookie, [=] {
    std::atomic_thread_fence(std::memory_order_release);  // the puts before it are seen before it
    if (source.size() == sizeof(std::uint64_t)) {
      std::memcpy(target, source.data(), sizeof(std::uint64_t));  // one store
    } else if (!source.empty()) {
      std::memcpy(target, source.data(), source.size());
    }
  });
}

Endpoint::Impl::Admission Endpoint::Impl::get_mapped(std::uint64_t offset,
                                                     std::span<std::byte> target,
                                                     std::uint64_t cookie) {
  if (is_null(target)) return Code::kInvalidArgument;
  const std::byte* const source = mapped_->at(offset);
  return access_mapped(Operation::kRead, offset, target.size(), cookie, [=] {
    if (!target.empty()) std::memcpy(target.data(), source, target.size());
  });
}

// Written to, or read from, the window one after the other.
template <class Buffer>
Endpoint::Impl::Admission Endpoint::Impl::access_mapped_elements(std::uint64_t offset,
                                                                 std::span<const Buffer> elements,
                                                                 std::size_t bytes,
                                                                 std::uint64_t cookie) {
  constexpr bool kWrites = kIsSource<Buffer>;
  for (const Buffer& element : elements) {
    if (is_null(element.memory())) return Code::kInvalidArgument;
  }
  std::byte* at = mapped_->at(offset);
  return access_mapped(kWrites ? Operation::kWrite : Operation::kRead, offset, bytes, cookie, [&] {
    if constexpr (kWrites) std::atomic_thread_fence(std::memory_order_release);
    for (const Buffer& element : elements) {
      const auto memory = element.memory();
      if (memory.empty()) continue;
      if constexpr (kWrites) {
        std::memcpy(at, memory.data(), memory.size());
      } else {
        std::memcpy(memory.data(), at, memory.size());
      }
      at += memory.size();
    }
  });
}

template Endpoint::Impl::Admission Endpoint::Impl::access_mapped_elements(
    std::uint64_t, std::span<const ConstBuffer>, std::size_t, std::uint64_t);
template Endpoint::Impl::Admission Endpoint::Impl::access_mapped_elements(
    std::uint64_t, std::span<const MutableBuffer>, std::size_t, std::uint64_t);

Endpoint::Impl::Admission Endpoint::Impl::atomic_mapped(Operation operation,
                                                        std::uint64_t& original,
                                                        std::uint64_t offset, std::uint64_t compare,
                                                        std::uint64_t swap_or_add,
                                                        std::uint64_t cookie) {
  const auto word = reinterpret_cast<std::uint64_t>(mapped_->at(offset));
  if (word % sizeof(original) != 0) return Code::kInvalidArgument;
  return access_mapped(operation, offset, sizeof(original), cookie, [&] {
    original = operation == Operation::kFetchAdd ? fetch_add(word, swap_or_add)
                                                 : compare_swap(word, compare, swap_or_add);
  });
}

}  // namespace mapwire
