#include "mapwire/runtime/error.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace mapwire {

std::string_view name(ErrorScope scope) {
  switch (scope) {
    case ErrorScope::kRequest: return "request";
    case ErrorScope::kEndpoint: return "endpoint";
    case ErrorScope::kDevice: return "device";
    case ErrorScope::kProcess: return "process";
  }
  return "?";
}

Error Error::from_errno(Code code, ErrorScope scope, int os_errno, std::string_view object,
                        std::string_view next_step) {
  return {.code = code,
          .scope = scope,
          .os_errno = os_errno,
          .message = fmt::format("{}: {}; {}", object, std::system_category().message(os_errno),
                                 next_step)};
}

const CodeEntry& code_entry(Code code) {
  auto table = code_table();
  auto entry = std::ranges::lower_bound(table, code, {}, &CodeEntry::code);
  return entry != table.end() && entry->code == code ? *entry : table.front();
}

std::string_view name(Code code) { return code_entry(code).name; }

const CodeEntry* find_code(std::string_view name_or_number) {
  const char* end = name_or_number.data() + name_or_number.size();
  std::uint16_t number = 0;
  auto parsed = std::from_chars(name_or_number.data(), end, number);
  const bool is_number = parsed.ec == std::errc{} && parsed.ptr == end;
  auto table = code_table();
  auto entry = std::ranges::find_if(table, [&](const CodeEntry& candidate) {
    return is_number ? candidate.code == Code{number} : candidate.name == name_or_number;
  });
  return entry == table.end() ? nullptr : &*entry;
}

}  // namespace mapwire
