// Bytes written as hexadecimal text, as they stand in a packet capture.
#pragma once

#include <cctype>
#include <cstddef>
#include <string_view>
#include <vector>

namespace mapwire::test {

// Pairs of hexadecimal digits; anything else between them is ignored.
inline std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  unsigned digits = 0;
  unsigned value = 0;
  for (char c : text) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isxdigit(letter) == 0) continue;
    value = value * 16 + static_cast<unsigned>(std::isdigit(letter) != 0
                                                   ? letter - '0'
                                                   : std::tolower(letter) - 'a' + 10);
    if (++digits % 2 == 0) {
      bytes.push_back(static_cast<std::byte>(value));
      value = 0;
    }
  }
  return bytes;
}

}  // namespace mapwire::test
