// Which libibverbs this process runs with. The library does not say; its file's name does.
#include <link.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "mapwire/runtime/verbs/verbs_device.h"

namespace mapwire {
namespace {

constexpr std::string_view kLibraryPrefix = "libibverbs.so.";

// "/lib/libibverbs.so.1" is a link to "libibverbs.so.1.14.44.0".
int take_version(dl_phdr_info* object, std::size_t /*size*/, void* result) {
  std::error_code failure;
  const auto file = std::filesystem::canonical(object->dlpi_name, failure).filename().string();
  if (failure || !file.starts_with(kLibraryPrefix)) return 0;
  *static_cast<std::string*>(result) = file.substr(kLibraryPrefix.size());
  return 1;  // ends the search
}

}  // namespace

std::string libibverbs_version() {
  std::string version;
  dl_iterate_phdr(take_version, &version);
  return version;
}

}  // namespace mapwire
