#include "mapwire/runtime/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <expected>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mapwire/runtime/detail/option_table.h"
#include "mapwire/runtime/log.h"

namespace mapwire {
namespace {

constexpr std::string_view kPrefix = "MAPWIRE_";

struct Variable {
  std::string_view name;
  std::string_view value;
};

std::optional<Variable> split(std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == assignment.npos) return std::nullopt;
  return Variable{.name = assignment.substr(0, equals), .value = assignment.substr(equals + 1)};
}

const detail::OptionRow* find_row(std::string_view variable) {
  auto rows = detail::option_rows();
  auto row = std::ranges::find(rows, variable, &detail::OptionRow::variable);
  return row == rows.end() ? nullptr : &*row;
}

Error bad_value(const detail::OptionRow& row, std::string_view value) {
  // A very long value would bury the rest of the sentence.
  constexpr std::size_t kShown = 64;
  return Error::make(
      Code::kBadOption, ErrorScope::kProcess,
      fmt::format("{}={} is no {} in range; give {}, or unset it for the default {}", row.variable,
                  value.substr(0, kShown), detail::type_text(row.kind),
                  detail::range_text(row.kind), detail::value_text(row.kind, Options{})));
}

// Levenshtein's edit distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string_view nearest_variable(std::string_view variable) {
  return std::ranges::min_element(
             detail::option_rows(), {},
             [&](const detail::OptionRow& row) { return distance(variable, row.variable); })
      ->variable;
}

std::vector<std::string> process_environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    environment.emplace_back(*entry);
  }
  return environment;
}

}  // namespace

std::expected<Options, Error> Options::parse(std::span<const std::string> environment) {
  Options options;
  for (const std::string& assignment : environment) {
    const auto variable = split(assignment);
    if (!variable || variable->value.empty()) continue;
    const detail::OptionRow* row = find_row(variable->name);
    if (row == nullptr) continue;
    if (!detail::assign(row->kind, variable->value, options)) {
      return std::unexpected(bad_value(*row, variable->value));
    }
  }
  return options;
}

std::expected<Options, Error> Options::from_environment() {
  const auto environment = process_environment();
  auto options = parse(environment);
  if (options) set_log_level(options->log);
  static std::atomic_flag warned;
  if (warned.test_and_set()) return options;
  for (const std::string& warning : unknown_option_warnings(environment)) {
    log_text(LogLevel::kWarn, warning);
  }
  return options;
}

std::vector<std::string> unknown_option_warnings(std::span<const std::string> environment) {
  std::vector<std::string> warnings;
  for (const std::string& assignment : environment) {
    const auto variable = split(assignment);
    if (!variable || !variable->name.starts_with(kPrefix) || find_row(variable->name) != nullptr) {
      continue;
    }
    warnings.push_back(fmt::format("{} is no option of mapwire and has no effect; did you mean {}?",
                                   variable->name, nearest_variable(variable->name)));
  }
  return warnings;
}

}  // namespace mapwire
