// Accesses of an importer that has the exporter's memory mapped: they are over when they return,
// and complete with the next poll. What is under way by the wire at the time comes first, so then
// they go there as well.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
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

bool Endpoint::Impl::goes_by_wire() const { return state_ != State::kOpen || !sends_.empty(); }

template <class Access>
Code Endpoint::Impl::access_mapped(std::unique_lock<detail::ContextLock>& guard,
                                   Operation operation, std::size_t bytes, std::uint64_t cookie,
                                   Access access) {
  if (const Code code = admit_send(false); code != Code::kOk) return code;
  ++sends_unseen_;
  const bool locked = bytes <= kCopiedLockedMax;
  if (!locked) guard.unlock();
  access();
  const Code status = mapped_->ended() ? Code::kPeerClosed : Code::kOk;
  if (!locked) guard.lock();
  deliver({.cookie = cookie,
           .endpoint = id_,
           .operation = operation,
           .status = status,
           .bytes = status == Code::kOk ? bytes : 0});
  return Code::kOk;
}

Code Endpoint::Impl::put_mapped(ConstBuffer source, RemoteBuffer target, std::uint64_t cookie) {
  std::unique_lock guard{path_->lock()};
  const auto from = source.memory();
  if (goes_by_wire()) return write_locked(source, target, cookie, {});
  if (const Code code = admit(from, 0); code != Code::kOk) return code;
  return access_mapped(guard, Operation::kWrite, from.size(), cookie, [&] {
    // The puts before it are seen before it.
    std::atomic_thread_fence(std::memory_order_release);
    if (from.size() == sizeof(std::uint64_t)) {
      std::memcpy(mapped_->at(target), from.data(), sizeof(std::uint64_t));
    } else if (!from.empty()) {
      std::memcpy(mapped_->at(target), from.data(), from.size());
    }
  });
}

Code Endpoint::Impl::get_mapped(MutableBuffer target, RemoteBuffer source, std::uint64_t cookie) {
  std::unique_lock guard{path_->lock()};
  const auto to = target.memory();
  if (goes_by_wire()) return read_locked(target, source, cookie);
  if (const Code code = admit(to, 0); code != Code::kOk) return code;
  return access_mapped(guard, Operation::kRead, to.size(), cookie, [&] {
    if (!to.empty()) std::memcpy(to.data(), mapped_->at(source), to.size());
  });
}

Code Endpoint::Impl::atomic_mapped(Operation operation, std::uint64_t& original,
                                   RemoteBuffer target, std::uint64_t compare,
                                   std::uint64_t swap_or_add, std::uint64_t cookie) {
  std::unique_lock guard{path_->lock()};
  if (goes_by_wire()) {
    return atomic_locked(operation, original, target, compare, swap_or_add, cookie);
  }
  if (target.address % sizeof(original) != 0) return Code::kInvalidArgument;
  return access_mapped(guard, operation, sizeof(original), cookie, [&] {
    const auto word = reinterpret_cast<std::uint64_t>(mapped_->at(target));
    original = operation == Operation::kFetchAdd ? fetch_add(word, swap_or_add)
                                                 : compare_swap(word, compare, swap_or_add);
  });
}

}  // namespace mapwire
