// Addresses that users give: what is parsed is written and parsed again as the same.
#include <string>

#include "mapwire/endpoints/detail/address_parser.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  constexpr std::uint16_t kDefaultPort = 18515;
  const auto address = detail::parse_host_port(fuzz::Input{data, size}.text(), kDefaultPort);
  if (!address) {
    fuzz::require(address.error().code == Code::kBadOption, "the code is bad_option");
    return 0;
  }
  for (char c : address->host) fuzz::require(c > ' ' && c < 127, "a host is printable");
  // A host may itself begin with a bracket or hold one; only others can be put into brackets.
  if (address->host.find_first_of("[]") != std::string::npos) return 0;
  const auto text = "[" + address->host + "]:" + std::to_string(address->port);
  if (text.size() > 255) return 0;
  const auto again = detail::parse_host_port(text, 0);
  fuzz::require(again.has_value() && *again == *address, "it is read back");
  return 0;
}
