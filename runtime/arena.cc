#include "mapwire/runtime/arena.h"

#include <bit>
#include <cerrno>
#include <cstdlib>

namespace mapwire {
namespace {

constexpr std::size_t kAlignmentMax = 4096;

}  // namespace

std::expected<Arena, Error> Arena::create(const std::string& name, std::size_t bytes,
                                          Sharing sharing) {
  auto fd = make_memfd(name, bytes);
  if (!fd) return std::unexpected(std::move(fd.error()));
  auto mapping = Mapping::of(fd->get(), whole_pages(bytes), Sharing::kReadWrite);
  if (!mapping || !seal_memfd(fd->get(), sharing)) {
    return std::unexpected(Error::from_errno(
        errno == ENOMEM ? Code::kOutOfMemory : Code::kSystemCall, ErrorScope::kRequest, errno,
        "arena \"" + name + "\"", "ask for less or raise the limits of memory mappings"));
  }
  return Arena{std::move(*fd), std::move(*mapping)};
}

std::optional<std::span<std::byte>> Arena::allocate(std::size_t bytes, std::size_t alignment) {
  if (!std::has_single_bit(alignment) || alignment > kAlignmentMax) std::abort();
  const std::size_t start = (used_ + alignment - 1) & ~(alignment - 1);
  if (start > memory().size() || bytes > memory().size() - start) return std::nullopt;
  used_ = start + bytes;
  return memory().subspan(start, bytes);
}

}  // namespace mapwire
