// Memory that importers map, as long as an export says so.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include "mapwire/endpoints/window_memory.h"
#include "mapwire/proto/window_notice.h"
#include "mapwire/runtime/arena.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/memfd.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire {

namespace detail {

struct MappedFile {
  UniqueFd file;
  Mapping mapping;
};

// What the importers of one export get: two files, as they may write the one and not the other.
// Once the export has ended they are nobody's but theirs.
struct SharedPages {
  UniqueFd memory;
  Arena notice;

  proto::WindowNotice& told() const {
    return *reinterpret_cast<proto::WindowNotice*>(notice.memory().data());
  }
};

}  // namespace detail

class WindowMemory::Impl {
 public:
  static std::expected<std::shared_ptr<Impl>, Error> create(std::size_t bytes);

  // As many bytes as were asked for.
  std::span<std::byte> memory() const { return mapping_.memory().first(bytes_); }

  // Lets importers map it until withdraw(). Errors: kInvalidArgument (it is shared already),
  // kOutOfMemory, kSystemCall.
  std::expected<std::shared_ptr<const detail::SharedPages>, Error> share(Sharing sharing);
  // When it returns nothing that they store arrives here. Precondition: shared, and no NIC or
  // thread of this process writes there.
  void withdraw();

 private:
  Impl(std::size_t bytes, UniqueFd file, Mapping mapping)
      : bytes_{bytes}, file_{std::move(file)}, mapping_{std::move(mapping)} {}

  const std::size_t bytes_;
  std::mutex mutex_;  // the rest, but for the place of the mapping, which never changes
  UniqueFd file_;
  Mapping mapping_;
  // While it is shared: what it moves to, and from where. Made before, so that nothing is missing
  // when it is withdrawn. The program may protect its own mapping as it likes.
  detail::MappedFile next_;
  Mapping source_;
  std::shared_ptr<const detail::SharedPages> shared_;
};

}  // namespace mapwire
