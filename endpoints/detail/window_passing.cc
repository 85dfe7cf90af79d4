#include "mapwire/endpoints/detail/window_passing.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <expected>
#include <utility>

#include "mapwire/endpoints/detail/mapped_window.h"
#include "mapwire/runtime/log.h"
#include "mapwire/runtime/memfd.h"

namespace mapwire::detail {
namespace {

constexpr const char* kUserWanted =
    "the export is for processes of one user of its host, who show who they are by shared memory; "
    "import it there as that user, with the soft NIC and not with MAPWIRE_WIRE=udp";

}  // namespace

std::expected<void, Error> pass_key(Endpoint::Impl& endpoint, uid_t user, std::uint32_t rkey) {
  if (endpoint.user_of_peer() != user) {
    return std::unexpected(Error::make(Code::kPermission, ErrorScope::kEndpoint, kUserWanted));
  }
  auto file = make_memfd("mapwire-key", sizeof(rkey));
  if (!file) return std::unexpected(std::move(file.error()));
  const bool written = ::pwrite(file->get(), &rkey, sizeof(rkey), 0) == sizeof(rkey) &&
                       seal_memfd(file->get(), Sharing::kReadOnly);
  if (!written) {
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kEndpoint, errno,
                                             "export: the file of its key", "try again"));
  }
  if (!endpoint.pass(file->get())) {
    return std::unexpected(Error::make(Code::kLimitReached, ErrorScope::kEndpoint,
                                       "export: the peer takes too little of what is passed to it; "
                                       "import again when it has"));
  }
  return {};
}

std::expected<std::uint32_t, Error> take_key(Endpoint::Impl& endpoint) {
  const UniqueFd file = endpoint.take_passed();
  if (!file) {
    return std::unexpected(Error::make(
        Code::kProtocolError, ErrorScope::kEndpoint,
        "import: the exporter said that it had passed the key, and has not; import again"));
  }
  const auto mapping =
      Mapping::of_peer(file, whole_pages(sizeof(std::uint32_t)), Sharing::kReadOnly);
  if (!mapping) return std::unexpected(mapping.error());
  std::uint32_t rkey = 0;
  std::memcpy(&rkey, mapping->memory().data(), sizeof(rkey));
  return rkey;
}

void pass_pages(Endpoint::Impl& endpoint, const SharedPages& pages) {
  if (endpoint.pass(pages.memory.get())) endpoint.pass(pages.notice.fd());
}

void map_pages(Endpoint::Impl& endpoint, const WindowTerms& terms) {
  const UniqueFd memory = endpoint.take_passed();
  const UniqueFd notice = endpoint.take_passed();
  if (!memory || !notice) return;
  auto mapped = MappedWindow::map(memory, notice, terms);
  if (mapped) {
    endpoint.map_window(std::move(*mapped));
  } else {
    log(LogLevel::kWarn, "window: not mapped, so every access takes the wire: {}",
        mapped.error().message);
  }
}

}  // namespace mapwire::detail
