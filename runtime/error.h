// Errors of the control path. The data path never returns one: a post answers with a Code, a
// completion carries one.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "mapwire/proto/code.h"

namespace mapwire {

// What is dead after the error: the largest thing that must be made anew.
enum class ErrorScope : std::uint8_t { kRequest, kEndpoint, kDevice, kProcess };
std::string_view name(ErrorScope scope);

struct Error {
  Code code = Code::kOk;
  ErrorScope scope = ErrorScope::kRequest;
  int os_errno = 0;     // 0 unless the operating system refused something
  std::string message;  // one sentence: object, cause, next step

  static Error make(Code code, ErrorScope scope, std::string message) {
    return {.code = code, .scope = scope, .os_errno = 0, .message = std::move(message)};
  }
  // Appends the text of `os_errno` to the cause.
  static Error from_errno(Code code, ErrorScope scope, int os_errno, std::string_view object,
                          std::string_view next_step);
};

// Everything that is known of a code without its circumstances; what `mapwire explain` prints.
struct CodeEntry {
  Code code;
  std::string_view name;       // stable, snake_case: "retry_exceeded"
  std::string_view meaning;    // one sentence
  std::string_view cause;      // the likely ones
  std::string_view next_step;  // what to do
};

// All codes, ascending.
std::span<const CodeEntry> code_table();
// The entry of a code; the one of kOk for a number that is none.
const CodeEntry& code_entry(Code code);
std::string_view name(Code code);
// The code with this name or decimal number, or null.
const CodeEntry* find_code(std::string_view name_or_number);

}  // namespace mapwire
