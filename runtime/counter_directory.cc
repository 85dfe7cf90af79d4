#include "mapwire/runtime/detail/counter_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "mapwire/runtime/detail/process_stat.h"

namespace mapwire::detail {
namespace {

// Takes a decimal number and the `separator` after it off the front of `text`. At the end of the
// text a separator of 0 is expected.
template <class Number>
bool take_number(std::string_view& text, Number& number, char separator) {
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc{} || number < 0) return false;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  if (separator == 0) return text.empty();
  if (!text.starts_with(separator)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string to_string(const CounterFileName& name) {
  return fmt::format("{}.{}.{}", name.pid, name.process_start, name.sequence);
}

std::optional<CounterFileName> parse_counter_file_name(std::string_view text) {
  CounterFileName name;
  if (take_number(text, name.pid, '.') && take_number(text, name.process_start, '.') &&
      take_number(text, name.sequence, 0)) {
    return name;
  }
  return std::nullopt;
}

std::string counter_directory_path() { return fmt::format("/dev/shm/mapwire.{}", geteuid()); }

std::expected<UniqueFd, Error> open_counter_directory() {
  const std::string path = counter_directory_path();
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kProcess, errno,
                                             "counter directory " + path,
                                             "make /dev/shm writable for this user"));
  }
  UniqueFd directory{open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat status{};
  if (!directory || fstat(directory.get(), &status) != 0) {
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kProcess, errno,
                                             "counter directory " + path,
                                             "remove what stands in its place"));
  }
  if (status.st_uid != geteuid() || (status.st_mode & 077) != 0) {
    return std::unexpected(Error::make(
        Code::kPermission, ErrorScope::kProcess,
        "counter directory " + path +
            " belongs to another user or is open to others; remove it, or chmod 700 your own"));
  }
  return directory;
}

std::vector<CounterFileName> list_counter_files(int directory) {
  std::vector<CounterFileName> names;
  // A descriptor of its own, since readdir moves its offset and closedir closes it.
  const int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return names;
  std::unique_ptr<DIR, int (*)(DIR*)> entries{fdopendir(own), closedir};
  if (!entries) {
    close(own);
    return names;
  }
  while (const dirent* entry = readdir(entries.get())) {
    if (auto name = parse_counter_file_name(entry->d_name)) names.push_back(*name);
  }
  std::ranges::sort(names);
  return names;
}

bool owner_is_dead(int directory, const std::string& name) {
  UniqueFd file{openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  return file && flock(file.get(), LOCK_SH | LOCK_NB) == 0;
}

void remove_dead_counter_files(int directory, std::size_t keep) {
  std::vector<std::string> dead;
  for (const CounterFileName& name : list_counter_files(directory)) {
    if (owner_is_dead(directory, to_string(name))) dead.push_back(to_string(name));
  }
  for (std::size_t i = 0; i + keep < dead.size(); ++i) unlinkat(directory, dead[i].c_str(), 0);
}

std::uint64_t own_process_start() {
  const auto stat = read_process_stat("self");
  return stat ? stat->start : 0;
}

}  // namespace mapwire::detail
