#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "mapwire/runtime/detail/option_table.h"
#include "mapwire/runtime/quantity.h"

namespace mapwire::detail {
namespace {

constexpr std::array kLogLevels{LogLevel::kError, LogLevel::kWarn, LogLevel::kInfo,
                                LogLevel::kDebug};
// IBTA 3.5.3, table 1: the path MTUs there are.
constexpr std::uint64_t kPathMtuMin = 256;
constexpr std::uint64_t kPathMtuMax = 4096;

struct Assign {
  std::string_view text;
  Options& options;

  bool operator()(const LogLevelKind& kind) const {
    for (LogLevel level : kLogLevels) {
      if (text != name(level)) continue;
      options.*kind.member = level;
      return true;
    }
    return false;
  }
  bool operator()(const SwitchKind& kind) const {
    if (text != kind.on && text != kind.off) return false;
    options.*kind.member = text == kind.on;
    return true;
  }
  bool operator()(const TextKind& kind) const {
    options.*kind.member = text;
    return true;
  }
  bool operator()(const DurationKind& kind) const {
    auto duration_ns = parse_duration_ns(text);
    if (!duration_ns || *duration_ns < kind.min_ns || *duration_ns > kind.max_ns) return false;
    options.*kind.member = *duration_ns;
    return true;
  }
  bool operator()(const PathMtuKind& kind) const {
    auto bytes = parse_number(text);
    if (!bytes) return false;
    const bool is_mtu =
        std::has_single_bit(*bytes) && *bytes >= kPathMtuMin && *bytes <= kPathMtuMax;
    if (*bytes != 0 && !is_mtu) return false;
    options.*kind.member = static_cast<std::uint32_t>(*bytes);
    return true;
  }
  template <class Number>
  bool operator()(const NumberKind<Number>& kind) const {
    auto number = parse_number(text);
    if (!number || *number < kind.min || *number > kind.max) return false;
    options.*kind.member = static_cast<Number>(*number);
    return true;
  }
};

struct ValueText {
  const Options& options;

  std::string operator()(const LogLevelKind& kind) const {
    return std::string{name(options.*kind.member)};
  }
  std::string operator()(const SwitchKind& kind) const {
    return std::string{options.*kind.member ? kind.on : kind.off};
  }
  std::string operator()(const TextKind& kind) const { return options.*kind.member; }
  std::string operator()(const DurationKind& kind) const {
    return format_duration(options.*kind.member);
  }
  std::string operator()(const PathMtuKind& kind) const {
    return std::to_string(options.*kind.member);
  }
  template <class Number>
  std::string operator()(const NumberKind<Number>& kind) const {
    return std::to_string(options.*kind.member);
  }
};

struct TypeText {
  std::string_view operator()(const LogLevelKind&) const { return "word"; }
  std::string_view operator()(const SwitchKind&) const { return "word"; }
  std::string_view operator()(const TextKind& kind) const { return kind.what; }
  std::string_view operator()(const DurationKind&) const { return "duration"; }
  std::string_view operator()(const PathMtuKind&) const { return "bytes"; }
  template <class Number>
  std::string_view operator()(const NumberKind<Number>&) const {
    return "number";
  }
};

struct RangeText {
  std::string operator()(const LogLevelKind&) const {
    std::string words;
    for (LogLevel level : kLogLevels) {
      if (!words.empty()) words += ", ";
      words += name(level);
    }
    return words;
  }
  std::string operator()(const SwitchKind& kind) const {
    return fmt::format("{}, {}", kind.off, kind.on);
  }
  std::string operator()(const TextKind&) const { return "any text"; }
  std::string operator()(const DurationKind& kind) const {
    return fmt::format("{} to {}", format_duration(kind.min_ns), format_duration(kind.max_ns));
  }
  std::string operator()(const PathMtuKind&) const {
    return fmt::format("0, or a power of two from {} to {}", kPathMtuMin, kPathMtuMax);
  }
  template <class Number>
  std::string operator()(const NumberKind<Number>& kind) const {
    return fmt::format("{} to {}", kind.min, kind.max);
  }
};

}  // namespace

bool assign(const OptionKind& kind, std::string_view text, Options& options) {
  return std::visit(Assign{text, options}, kind);
}

std::string value_text(const OptionKind& kind, const Options& options) {
  return std::visit(ValueText{options}, kind);
}

std::string_view type_text(const OptionKind& kind) { return std::visit(TypeText{}, kind); }

std::string range_text(const OptionKind& kind) { return std::visit(RangeText{}, kind); }

}  // namespace mapwire::detail
