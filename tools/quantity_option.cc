#include "tools/quantity_option.h"

#include <fmt/format.h>

#include <bit>
#include <optional>
#include <string_view>

#include "mapwire/runtime/clock.h"
#include "mapwire/runtime/quantity.h"

namespace mapwire::tools {
namespace {

std::optional<std::uint64_t> parse_time_ns(std::string_view text) {
  const auto seconds = parse_number(text);
  if (!seconds) return parse_duration_ns(text);
  if (*seconds > UINT64_MAX / kNanosecondsPerSecond) return std::nullopt;
  return *seconds * kNanosecondsPerSecond;
}

}  // namespace

CLI::Option* add_time(CLI::App& command, const std::string& name, std::uint64_t& value_ns,
                      const std::string& help) {
  constexpr Range kRange{.min = 1'000'000, .max = 3600 * kNanosecondsPerSecond};
  const auto take = [=, &value_ns](const std::string& text) {
    const auto parsed = parse_time_ns(text);
    if (!parsed || *parsed < kRange.min || *parsed > kRange.max) {
      throw CLI::ValidationError{
          name, fmt::format("'{}' is no time from 1ms to 1h, like 5 (seconds) or 500ms", text)};
    }
    value_ns = *parsed;
  };
  auto* option = command.add_option_function<std::string>(name, take, help)->type_name("TIME");
  if (value_ns != 0) option->default_str(format_duration(value_ns));
  return option;
}

CLI::Option* add_size(CLI::App& command, const std::string& name, std::uint64_t& value_bytes,
                      Range range, const std::string& help) {
  const auto take = [=, &value_bytes](const std::string& text) {
    const auto parsed = parse_size_bytes(text);
    if (!parsed || *parsed < range.min || *parsed > range.max) {
      throw CLI::ValidationError{
          name, fmt::format("'{}' is no size from {} to {} bytes, like 64 or 8K", text, range.min,
                            range.max)};
    }
    value_bytes = *parsed;
  };
  return command.add_option_function<std::string>(name, take, help)
      ->type_name("BYTES")
      ->default_str(fmt::format("{}", value_bytes));
}

CLI::Option* add_power_of_two(CLI::App& command, const std::string& name, std::uint32_t& value,
                              Range range, const std::string& help) {
  const auto take = [=, &value](const std::string& text) {
    const auto parsed = parse_number(text);
    if (!parsed || !std::has_single_bit(*parsed) || *parsed < range.min || *parsed > range.max) {
      throw CLI::ValidationError{
          name, fmt::format("'{}' is no power of two from {} to {}", text, range.min, range.max)};
    }
    value = static_cast<std::uint32_t>(*parsed);
  };
  auto* option = command.add_option_function<std::string>(name, take, help)->type_name("2^N");
  if (value != 0) option->default_str(fmt::format("{}", value));
  return option;
}

}  // namespace mapwire::tools
