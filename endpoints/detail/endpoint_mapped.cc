// Accesses of an importer that has the exporter's memory mapped: they are over when they return,
// and complete with the next poll.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/runtime/execute_atomic.h"
#include "mapwire/runtime/log.h"

namespace mapwire {
namespace {

// Larger copies are made without the lock, for which the polls of others would wait.
constexpr std::size_t kCopiedLockedMax = 4096;

}  // namespace

void Endpoint::Impl::pass_pages(const detail::SharedPages& pages) {
  const std::lock_guard guard{path_->lock()};
  if (state_ != State::kSettingUp) return;
  Nic& nic = *path_->nic();
  if (nic.pass_descriptor(address_.qpn, pages.memory.get())) {
    nic.pass_descriptor(address_.qpn, pages.notice.fd());
  }
}

void Endpoint::Impl::map_window(const WindowTerms& terms) {
  const std::lock_guard guard{path_->lock()};
  if (state_ != State::kSettingUp) return;
  const UniqueFd memory = path_->nic()->take_descriptor(address_.qpn);
  const UniqueFd notice = path_->nic()->take_descriptor(address_.qpn);
  if (!memory || !notice) return;
  auto mapped = detail::MappedWindow::map(memory, notice, terms);
  if (mapped) {
    mapped_ = std::move(*mapped);
  } else {
    log(LogLevel::kWarn, "window: not mapped, so every access takes the wire: {}",
        mapped.error().message);
  }
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
  if (wires_) touch(operation, peer_.exported->memory.address + offset, bytes);
  deliver({.cookie = cookie,
           .endpoint = id_,
           .operation = operation,
           .status = status,
           .bytes = status == Code::kOk ? bytes : 0});
}

template <class Access>
Endpoint::Impl::Admission Endpoint::Impl::access_mapped(Operation operation, std::uint64_t offset,
                                                        std::span<const std::byte> memory,
                                                        std::uint64_t cookie, Access access) {
  if (memory.data() == nullptr && !memory.empty()) return Code::kInvalidArgument;
  {
    const std::lock_guard guard{path_->lock()};
    const auto admitted = admit_mapped();
    if (admitted != Code::kOk) return admitted;
    if (memory.size() <= kCopiedLockedMax) {
      access();
      complete_mapped(operation, offset, memory.size(), cookie);
      return admitted;
    }
  }
  access();
  const std::lock_guard guard{path_->lock()};
  complete_mapped(operation, offset, memory.size(), cookie);
  return Code::kOk;
}

Endpoint::Impl::Admission Endpoint::Impl::put_mapped(std::uint64_t offset,
                                                     std::span<const std::byte> source,
                                                     std::uint64_t cookie) {
  std::byte* const target = mapped_->at(offset);
  return access_mapped(Operation::kWrite, offset, source, cookie, [=] {
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
  const std::byte* const source = mapped_->at(offset);
  return access_mapped(Operation::kRead, offset, target, cookie, [=] {
    if (!target.empty()) std::memcpy(target.data(), source, target.size());
  });
}

Endpoint::Impl::Admission Endpoint::Impl::atomic_mapped(Operation operation,
                                                        std::uint64_t& original,
                                                        std::uint64_t offset, std::uint64_t compare,
                                                        std::uint64_t swap_or_add,
                                                        std::uint64_t cookie) {
  const auto word = reinterpret_cast<std::uint64_t>(mapped_->at(offset));
  if (word % sizeof(original) != 0) return Code::kInvalidArgument;
  const auto answer = std::as_bytes(std::span{&original, 1});
  return access_mapped(operation, offset, answer, cookie, [&] {
    original = operation == Operation::kFetchAdd ? fetch_add(word, swap_or_add)
                                                 : compare_swap(word, compare, swap_or_add);
  });
}

}  // namespace mapwire
