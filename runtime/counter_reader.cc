// Reading counter files of other processes. They are copied by read(2) and never mapped: a file
// that its owner cuts short then gives an error instead of SIGBUS.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "mapwire/proto/counter_layout.h"
#include "mapwire/runtime/counters.h"
#include "mapwire/runtime/detail/counter_directory.h"

namespace mapwire {
namespace {

using proto::CounterCell;
using proto::CounterFile;
using proto::CounterHeader;

std::unexpected<Error> bad_file(std::string_view cause) {
  return std::unexpected(Error::make(
      Code::kBadFile, ErrorScope::kRequest,
      fmt::format("counter file: {}; read it with the mapwire version of its owner", cause)));
}

template <class Field>
Field field_at(std::span<const std::byte> file, std::size_t offset) {
  Field field{};
  std::memcpy(&field, file.data() + offset, sizeof(Field));
  return field;
}

// The name of a cell, or an empty text if it is none.
std::string name_of(const std::array<char, proto::kCounterNameBytes>& bytes) {
  const std::string_view text{bytes.data(), bytes.size()};
  const auto end = text.find('\0');
  if (end == text.npos || !proto::is_counter_name(text.substr(0, end))) return {};
  return std::string{text.substr(0, end)};
}

std::expected<std::vector<std::byte>, Error> read_file(int directory, const std::string& name) {
  UniqueFd file{openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  struct stat status{};
  if (!file || fstat(file.get(), &status) != 0) {
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kRequest, errno,
                                             "counter file " + name, "try again"));
  }
  if (!S_ISREG(status.st_mode) || status.st_size != sizeof(CounterFile)) {
    return bad_file("it has not the size of one");
  }
  std::vector<std::byte> bytes(sizeof(CounterFile));
  // A read of a memory file is whole unless the file shrank meanwhile. The kernel copies aligned
  // words whole, so values that are being counted are not torn.
  if (read(file.get(), bytes.data(), bytes.size()) != std::ssize(bytes)) {
    return bad_file("it was cut short");
  }
  return bytes;
}

// Adds `more` to `sum`, by name.
void add_up(std::vector<CounterValue>& sum, std::vector<CounterValue> more) {
  for (CounterValue& value : more) {
    auto known = std::ranges::find(sum, value.name, &CounterValue::name);
    if (known == sum.end()) {
      sum.push_back(std::move(value));
    } else {
      known->value += value.value;
    }
  }
}

// The files of the youngest process that has or had this pid.
std::vector<detail::CounterFileName> files_of(int directory, std::int32_t pid) {
  auto names = detail::list_counter_files(directory);
  std::erase_if(names, [&](const auto& name) { return name.pid != pid; });
  if (names.empty()) return names;
  const std::uint64_t start = names.back().process_start;
  std::erase_if(names, [&](const auto& name) { return name.process_start != start; });
  return names;
}

}  // namespace

std::expected<std::vector<CounterValue>, Error> CounterBlock::parse(
    std::span<const std::byte> file) {
  if (file.size() != sizeof(CounterFile)) return bad_file("it has not the size of one");
  if (field_at<std::uint64_t>(file, offsetof(CounterHeader, magic)) != proto::kCounterMagic) {
    return bad_file("it does not begin like one");
  }
  const auto version = field_at<std::uint32_t>(file, offsetof(CounterHeader, version));
  if (version != proto::kCounterVersion) return bad_file(fmt::format("it has version {}", version));
  const auto count = field_at<std::uint32_t>(file, offsetof(CounterHeader, count));
  if (count > proto::kCountersMax) return bad_file("it counts more counters than it can hold");
  std::vector<CounterValue> values;
  values.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto cell = file.subspan(sizeof(CounterHeader) + i * sizeof(CounterCell));
    using NameBytes = decltype(CounterCell::name);
    auto name = name_of(field_at<NameBytes>(cell, offsetof(CounterCell, name)));
    if (name.empty()) return bad_file("a name in it is none");
    values.push_back({.name = std::move(name),
                      .value = field_at<std::uint64_t>(cell, offsetof(CounterCell, value))});
  }
  return values;
}

std::expected<std::vector<CounterValue>, Error> CounterBlock::read(std::int32_t pid) {
  auto directory = detail::open_counter_directory();
  if (!directory) return std::unexpected(directory.error());
  const auto names = files_of(directory->get(), pid);
  if (names.empty()) {
    return std::unexpected(Error::make(
        Code::kInvalidArgument, ErrorScope::kRequest,
        fmt::format("process {} has no counters in {}; check the pid and the user it runs as", pid,
                    detail::counter_directory_path())));
  }
  std::vector<CounterValue> sum;
  for (const auto& name : names) {
    auto bytes = read_file(directory->get(), to_string(name));
    if (!bytes) return std::unexpected(bytes.error());
    auto values = parse(*bytes);
    if (!values) return std::unexpected(values.error());
    add_up(sum, std::move(*values));
  }
  return sum;
}

}  // namespace mapwire
