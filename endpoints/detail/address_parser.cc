#include "mapwire/endpoints/detail/address_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mapwire::detail {
namespace {

// DNS names end at 253 characters, addresses with an interface at 62.
constexpr std::size_t kTextMax = 255;

std::unexpected<Error> bad_address(std::string_view text, std::string_view cause) {
  return std::unexpected(Error::make(
      Code::kBadOption, ErrorScope::kRequest,
      fmt::format("address \"{}\": {}; write host:port or [v6%interface]:port", text, cause)));
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, failure] = std::from_chars(digits.data(), end, port);
  if (failure != std::errc{} || stop != end) return std::nullopt;
  return port;
}

bool is_printable(char c) { return c > ' ' && c < 127; }

// Where the host ends and what of the text follows it: nothing or ":port".
struct Split {
  std::string_view host;
  std::string_view rest;
};

std::optional<Split> split(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    return Split{.host = text.substr(1, close - 1), .rest = text.substr(close + 1)};
  }
  const bool bare_v6 = std::ranges::count(text, ':') > 1;
  const std::size_t colon = bare_v6 ? text.size() : std::min(text.find(':'), text.size());
  return Split{.host = text.substr(0, colon), .rest = text.substr(colon)};
}

}  // namespace

std::expected<HostPort, Error> parse_host_port(std::string_view text, std::uint16_t default_port) {
  if (text.size() > kTextMax) return bad_address(text.substr(0, 32), "is too long");
  if (!std::ranges::all_of(text, is_printable))
    return bad_address("?", "has a blank or control byte");
  const auto parts = split(text);
  if (!parts) return bad_address(text, "has no closing bracket");
  if (parts->rest.empty()) return HostPort{.host = std::string{parts->host}, .port = default_port};
  if (!parts->rest.starts_with(':')) return bad_address(text, "has text behind the bracket");
  const auto port = parse_port(parts->rest.substr(1));
  if (!port) return bad_address(text, "the port is no number of 0..65535");
  return HostPort{.host = std::string{parts->host}, .port = *port};
}

std::expected<Address, Error> parse_address(std::string_view text, std::uint16_t default_port) {
  constexpr std::string_view kScheme = "rdma://";
  const bool rdma = text.starts_with(kScheme);
  if (!rdma && text.contains("://")) {
    return bad_address(text.substr(0, 32), "no scheme but rdma:// is known");
  }
  auto host_port = parse_host_port(rdma ? text.substr(kScheme.size()) : text, default_port);
  if (!host_port) return std::unexpected(host_port.error());
  return Address{.rdma = rdma, .host_port = std::move(*host_port)};
}

}  // namespace mapwire::detail
