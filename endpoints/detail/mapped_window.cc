#include "mapwire/endpoints/detail/mapped_window.h"

namespace mapwire::detail {

std::optional<Sharing> pages_for(const WindowRights& rights) {
  if (!rights.read || (rights.atomics && !rights.write)) return std::nullopt;
  return rights.write ? Sharing::kReadWrite : Sharing::kReadOnly;
}

std::expected<MappedWindow, Error> MappedWindow::map(const UniqueFd& memory, const UniqueFd& notice,
                                                     const WindowTerms& terms) {
  const auto sharing = pages_for(terms.rights);
  if (!sharing || terms.memory.bytes > kMemfdBytesMax) {
    return std::unexpected(Error::make(Code::kProtocolError, ErrorScope::kEndpoint,
                                       "window: the exporter shares memory that it can not; check "
                                       "that it is mapwire of this version"));
  }
  auto pages = Mapping::of_peer(memory, whole_pages(terms.memory.bytes), *sharing);
  if (!pages) return std::unexpected(std::move(pages.error()));
  auto told = Mapping::of_peer(notice, proto::kWindowNoticeBytes, Sharing::kReadOnly);
  if (!told) return std::unexpected(std::move(told.error()));
  return MappedWindow{std::move(*pages), std::move(*told)};
}

}  // namespace mapwire::detail
