#include "mapwire/nic_fw/fault_options.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

namespace mapwire::nic_fw {
namespace {

constexpr std::string_view kExample =
    "write for instance \"loss=0.01,duplicate=0.01,reorder=0.01,flip=0.001,seed=7\"";

std::unexpected<Error> bad_option(std::string_view item, std::string_view cause) {
  return std::unexpected(
      Error::make(Code::kBadOption, ErrorScope::kRequest,
                  fmt::format("fault option \"{}\" {}; {}", item, cause, kExample)));
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// The whole of `text` as a number, or false.
template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  return result.ec == std::errc{} && result.ptr == end;
}

double* find_probability(FaultOptions& options, std::string_view key) {
  if (key == "loss") return &options.loss;
  if (key == "duplicate") return &options.duplicate;
  if (key == "reorder") return &options.reorder;
  if (key == "flip") return &options.flip;
  return nullptr;
}

std::expected<void, Error> parse_item(std::string_view item, std::string_view key,
                                      std::string_view value, FaultOptions& options) {
  if (key == "seed") {
    if (!parse_number(value, options.seed)) return bad_option(item, "needs a number 0..2^64-1");
    return {};
  }
  double* probability = find_probability(options, key);
  if (probability == nullptr) return bad_option(item, "has an unknown key");
  if (!parse_number(value, *probability)) return bad_option(item, "needs a number");
  // Written so that NaN, which from_chars reads, fails too.
  if (!(*probability >= 0 && *probability <= 1)) return bad_option(item, "is outside 0..1");
  return {};
}

}  // namespace

std::expected<FaultOptions, Error> parse_fault_options(std::string_view text) {
  FaultOptions options;
  if (trim(text).empty()) return options;
  std::vector<std::string_view> seen;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view item = trim(text.substr(0, comma));
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return bad_option(item, "is not key=value");
    const std::string_view key = trim(item.substr(0, equals));
    if (std::ranges::find(seen, key) != seen.end()) return bad_option(item, "is given twice");
    seen.push_back(key);
    auto parsed = parse_item(item, key, trim(item.substr(equals + 1)), options);
    if (!parsed) return std::unexpected(parsed.error());
    if (comma == std::string_view::npos) return options;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace mapwire::nic_fw
