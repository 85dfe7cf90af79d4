#include "mapwire/endpoints/detail/mapped_window.h"

namespace mapwire::detail {

std::expected<MappedWindow, Error> MappedWindow::map(const UniqueFd& memory, const UniqueFd& notice,
                                                     const WindowTerms& terms) {
  auto pages = Mapping::of_peer(memory, whole_pages(terms.memory.bytes),
                                terms.rights.write ? Sharing::kReadWrite : Sharing::kReadOnly);
  if (!pages) return std::unexpected(std::move(pages.error()));
  auto told = Mapping::of_peer(notice, proto::kWindowNoticeBytes, Sharing::kReadOnly);
  if (!told) return std::unexpected(std::move(told.error()));
  return MappedWindow{std::move(*pages), std::move(*told)};
}

}  // namespace mapwire::detail
