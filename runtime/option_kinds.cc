#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
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
constexpr std::array kNicChoices{NicChoice::kAuto, NicChoice::kSoft, NicChoice::kVerbs};
constexpr std::array kWireChoices{WireChoice::kAuto, WireChoice::kUdp, WireChoice::kShm};
// IBTA 3.5.3, table 1: the path MTUs there are.
constexpr std::uint64_t kPathMtuMin = 256;
constexpr std::uint64_t kPathMtuMax = 4096;

// Sets `member` to the value of that name.
template <class Value, std::size_t kCount>
bool assign_named(std::string_view text, const std::array<Value, kCount>& values, Value& member) {
  const auto value = std::ranges::find(values, text, [](Value one) { return name(one); });
  if (value == values.end()) return false;
  member = *value;
  return true;
}

template <class Value, std::size_t kCount>
std::string names(const std::array<Value, kCount>& values) {
  std::string words;
  for (Value value : values) {
    if (!words.empty()) words += ", ";
    words += name(value);
  }
  return words;
}

struct Assign {
  std::string_view text;
  Options& options;

  bool operator()(const LogLevelKind& kind) const {
    return assign_named(text, kLogLevels, options.*kind.member);
  }
  bool operator()(const NicChoiceKind& kind) const {
    return assign_named(text, kNicChoices, options.*kind.member);
  }
  bool operator()(const WireChoiceKind& kind) const {
    return assign_named(text, kWireChoices, options.*kind.member);
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
  bool operator()(const SizeKind& kind) const {
    auto bytes = parse_size_bytes(text);
    if (bytes) options.*kind.member = *bytes;
    return bytes.has_value();
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
  std::string operator()(const NicChoiceKind& kind) const {
    return std::string{name(options.*kind.member)};
  }
  std::string operator()(const WireChoiceKind& kind) const {
    return std::string{name(options.*kind.member)};
  }
  std::string operator()(const SwitchKind& kind) const {
    return std::string{options.*kind.member ? kind.on : kind.off};
  }
  std::string operator()(const TextKind& kind) const { return options.*kind.member; }
  std::string operator()(const DurationKind& kind) const {
    return format_duration(options.*kind.member);
  }
  std::string operator()(const SizeKind& kind) const {
    return std::to_string(options.*kind.member);
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
  std::string_view operator()(const NicChoiceKind&) const { return "word"; }
  std::string_view operator()(const WireChoiceKind&) const { return "word"; }
  std::string_view operator()(const SwitchKind&) const { return "word"; }
  std::string_view operator()(const TextKind& kind) const { return kind.what; }
  std::string_view operator()(const DurationKind&) const { return "duration"; }
  std::string_view operator()(const SizeKind&) const { return "size"; }
  std::string_view operator()(const PathMtuKind&) const { return "bytes"; }
  template <class Number>
  std::string_view operator()(const NumberKind<Number>&) const {
    return "number";
  }
};

struct RangeText {
  std::string operator()(const LogLevelKind&) const { return names(kLogLevels); }
  std::string operator()(const NicChoiceKind&) const { return names(kNicChoices); }
  std::string operator()(const WireChoiceKind&) const { return names(kWireChoices); }
  std::string operator()(const SwitchKind& kind) const {
    return fmt::format("{}, {}", kind.off, kind.on);
  }
  std::string operator()(const TextKind&) const { return "any text"; }
  std::string operator()(const DurationKind& kind) const {
    return fmt::format("{} to {}", format_duration(kind.min_ns), format_duration(kind.max_ns));
  }
  std::string operator()(const SizeKind&) const { return "bytes, with K, M, G or T if wanted"; }
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

namespace mapwire {

std::string_view name(NicChoice choice) {
  switch (choice) {
    case NicChoice::kAuto: return "auto";
    case NicChoice::kSoft: return "soft";
    case NicChoice::kVerbs: return "verbs";
  }
  return "?";
}

std::string_view name(WireChoice choice) {
  switch (choice) {
    case WireChoice::kAuto: return "auto";
    case WireChoice::kUdp: return "udp";
    case WireChoice::kShm: return "shm";
  }
  return "?";
}

}  // namespace mapwire
