// The rows of the option table as they are written down: each binds a variable to a member of
// Options and knows its range. All texts are made from these.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "mapwire/runtime/options.h"

namespace mapwire::detail {

struct LogLevelKind {
  LogLevel Options::* member;
};

struct NicChoiceKind {
  NicChoice Options::* member;
};

struct WireChoiceKind {
  WireChoice Options::* member;
};

// One of two words.
struct SwitchKind {
  bool Options::* member;
  std::string_view off;
  std::string_view on;
};

// Any text; `what` it is.
struct TextKind {
  std::string Options::* member;
  std::string_view what;
};

struct DurationKind {
  std::uint64_t Options::* member;
  std::uint64_t min_ns;
  std::uint64_t max_ns;
};

struct SizeKind {
  std::uint64_t Options::* member;
};

struct PathMtuKind {
  std::uint32_t Options::* member;
};

template <class Number>
struct NumberKind {
  Number Options::* member;
  Number min = 0;
  Number max = std::numeric_limits<Number>::max();
};

using OptionKind =
    std::variant<LogLevelKind, NicChoiceKind, WireChoiceKind, SwitchKind, TextKind, DurationKind,
                 SizeKind, PathMtuKind, NumberKind<std::uint16_t>, NumberKind<std::uint64_t>>;

struct OptionRow {
  std::string_view variable;
  OptionKind kind;
  std::string_view help;
};

std::span<const OptionRow> option_rows();

// Sets the member that `kind` binds; false if `text` is no value of it.
bool assign(const OptionKind& kind, std::string_view text, Options& options);
// The value of that member as assign() would read it.
std::string value_text(const OptionKind& kind, const Options& options);
std::string_view type_text(const OptionKind& kind);
std::string range_text(const OptionKind& kind);

}  // namespace mapwire::detail
