#include "mapwire/runtime/quantity.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <system_error>

namespace mapwire {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array kDurationUnits{
    Unit{"ns", 1},
    Unit{"us", 1'000},
    Unit{"ms", 1'000'000},
    Unit{"s", 1'000'000'000},
    Unit{"min", 60'000'000'000},
    Unit{"h", 3'600'000'000'000},
};

struct Quantity {
  std::uint64_t number;
  std::string_view unit;
};

std::optional<Quantity> parts_of(std::string_view text) {
  Quantity quantity{};
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, quantity.number);
  if (parsed.ec != std::errc{}) return std::nullopt;
  quantity.unit = {parsed.ptr, end};
  return quantity;
}

std::optional<std::uint64_t> multiply(std::uint64_t number, std::uint64_t factor) {
  if (number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
  return number * factor;
}

}  // namespace

std::optional<std::uint64_t> parse_duration_ns(std::string_view text) {
  auto quantity = parts_of(text);
  if (!quantity) return std::nullopt;
  for (const Unit& unit : kDurationUnits) {
    if (unit.name == quantity->unit) return multiply(quantity->number, unit.factor);
  }
  return std::nullopt;
}

std::string format_duration(std::uint64_t duration_ns) {
  if (duration_ns == 0) return "0s";
  for (const Unit& unit : std::views::reverse(kDurationUnits)) {
    if (duration_ns % unit.factor == 0) {
      return std::to_string(duration_ns / unit.factor).append(unit.name);
    }
  }
  return {};  // not reached: every number is a multiple of 1 ns
}

std::optional<std::uint64_t> parse_size_bytes(std::string_view text) {
  auto quantity = parts_of(text);
  if (!quantity) return std::nullopt;
  std::string_view unit = quantity->unit;
  if (unit.size() == 3 && unit.ends_with("iB")) unit.remove_suffix(2);
  if (unit.empty()) return quantity->number;
  const auto power = std::string_view{"KMGTkmgt"}.find(unit);
  if (unit.size() != 1 || power == std::string_view::npos) return std::nullopt;
  return multiply(quantity->number, std::uint64_t{1} << 10 * (power % 4 + 1));
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  auto quantity = parts_of(text);
  if (!quantity || !quantity->unit.empty()) return std::nullopt;
  return quantity->number;
}

}  // namespace mapwire
