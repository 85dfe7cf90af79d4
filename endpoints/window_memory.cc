#include "mapwire/endpoints/window_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "mapwire/endpoints/detail/window_memory_impl.h"
#include "mapwire/runtime/log.h"

namespace mapwire {
namespace {

constexpr const char* kName = "mapwire-window";

using detail::MappedFile;

Error no_mapping() {
  return Error::from_errno(Code::kOutOfMemory, ErrorScope::kRequest, errno, "memory of a window",
                           "ask for less or raise the limits of memory mappings");
}

std::expected<MappedFile, Error> make_file(std::size_t bytes) {
  auto file = make_memfd(kName, bytes);
  if (!file) return std::unexpected(std::move(file.error()));
  auto mapping = Mapping::of(file->get(), whole_pages(bytes), Sharing::kReadWrite);
  if (mapping) return MappedFile{.file = std::move(*file), .mapping = std::move(*mapping)};
  return std::unexpected(no_mapping());
}

// What was never written stays a hole.
void copy_written(int from_file, std::span<const std::byte> from, std::span<std::byte> to) {
  ::off_t end = 0;
  for (;;) {
    const ::off_t start = ::lseek(from_file, end, SEEK_DATA);
    if (start < 0) return;  // ENXIO: nothing after `end`
    end = ::lseek(from_file, start, SEEK_HOLE);
    const auto offset = static_cast<std::size_t>(start);
    std::memcpy(&to[offset], &from[offset], static_cast<std::size_t>(end) - offset);
  }
}

}  // namespace

std::expected<WindowMemory, Error> WindowMemory::create(std::size_t bytes) {
  auto impl = Impl::create(bytes);
  if (!impl) return std::unexpected(std::move(impl.error()));
  return WindowMemory{std::move(*impl)};
}

std::span<std::byte> WindowMemory::memory() const { return impl_->memory(); }

std::expected<std::shared_ptr<WindowMemory::Impl>, Error> WindowMemory::Impl::create(
    std::size_t bytes) {
  auto made = make_file(bytes);
  if (!made) return std::unexpected(std::move(made.error()));
  return std::shared_ptr<Impl>{new Impl{bytes, std::move(made->file), std::move(made->mapping)}};
}

std::expected<std::shared_ptr<const detail::SharedPages>, Error> WindowMemory::Impl::share(
    Sharing sharing) {
  const std::lock_guard guard{mutex_};
  if (shared_) {
    return std::unexpected(Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                                       "export: this window memory is exported already; end that "
                                       "export, or make more memory"));
  }
  auto next = make_file(bytes_);
  if (!next) return std::unexpected(std::move(next.error()));
  auto notice = Arena::create("mapwire-notice", proto::kWindowNoticeBytes, Sharing::kReadOnly);
  if (!notice) return std::unexpected(std::move(notice.error()));
  auto source = Mapping::of(file_.get(), whole_pages(bytes_), Sharing::kReadOnly);
  if (!source) return std::unexpected(no_mapping());
  UniqueFd memory{::dup(file_.get())};
  if (!memory || !seal_memfd(memory.get(), sharing)) {
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kRequest, errno,
                                             "memory of a window",
                                             "raise the limit of descriptors (ulimit -n)"));
  }
  next_ = std::move(*next);
  source_ = std::move(*source);
  shared_ = std::make_shared<const detail::SharedPages>(std::move(memory), std::move(*notice));
  return shared_;
}

// An importer stores and then looks whether it was told; here it is told, and then what it stored
// is copied. With a barrier in both, either the copy has the store or the importer has the news.
void WindowMemory::Impl::withdraw() {
  const std::lock_guard guard{mutex_};
  shared_->told().ended.store(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  copy_written(file_.get(), source_.memory(), next_.mapping.memory());
  if (!mapping_.show(next_.file.get())) {
    // Importers would go on to write here, which is what nobody may after an export.
    log(LogLevel::kError, "end of an export: its memory can not be moved: {}",
        std::strerror(errno));
    std::abort();
  }
  // Who keeps the old pages shall not make us keep them. (The kernel refuses it for files that are
  // sealed against writing.)
  ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
              static_cast<::off_t>(mapping_.memory().size()));
  file_ = std::move(next_.file);
  next_ = {};
  source_ = {};
  shared_.reset();
}

}  // namespace mapwire
