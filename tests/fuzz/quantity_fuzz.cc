// Durations, sizes and numbers: what is read is written and read again as the same.
#include <string>

#include "mapwire/runtime/quantity.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  const std::string_view text = fuzz::Input{data, size}.text();
  if (const auto duration_ns = parse_duration_ns(text)) {
    fuzz::require(parse_duration_ns(format_duration(*duration_ns)) == duration_ns, "duration");
  }
  if (const auto bytes = parse_size_bytes(text)) {
    fuzz::require(parse_size_bytes(std::to_string(*bytes)) == bytes, "size");
  }
  if (const auto number = parse_number(text)) {
    fuzz::require(parse_size_bytes(text) == number, "a number is a size");
    fuzz::require(!parse_duration_ns(text), "a number is no duration");
  }
  return 0;
}
