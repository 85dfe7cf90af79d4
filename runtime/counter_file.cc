// Checking the copy of a counter file before it is believed.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "mapwire/proto/counter_layout.h"
#include "mapwire/runtime/counters.h"

namespace mapwire {
namespace {

using proto::CounterCell;
using proto::CounterFile;
using proto::CounterHeader;

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

}  // namespace

std::expected<std::vector<CounterValue>, Error> CounterBlock::parse(std::span<const std::byte> file,
                                                                    std::string_view name) {
  const auto bad_file = [name](std::string_view cause) {
    return std::unexpected(Error::make(
        Code::kBadFile, ErrorScope::kRequest,
        fmt::format("{}: {}; read it with the mapwire version of its owner", name, cause)));
  };
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
    auto cell_name = name_of(field_at<NameBytes>(cell, offsetof(CounterCell, name)));
    if (cell_name.empty()) return bad_file("a name in it is none");
    values.push_back({.name = std::move(cell_name),
                      .value = field_at<std::uint64_t>(cell, offsetof(CounterCell, value))});
  }
  return values;
}

}  // namespace mapwire
