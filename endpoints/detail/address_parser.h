// The text form of the addresses that users give to listen() and connect().
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "mapwire/runtime/error.h"

namespace mapwire::detail {

struct HostPort {
  std::string host;  // a name or a numeric address with its "%interface"; empty: none given
  std::uint16_t port = 0;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

// Parses "host", "host:port", ":port", "[v6]", "[v6%interface]:port", a bare IPv6 address (two
// colons or more, no port) or the empty text. Without a port it is `default_port`; "0" is port 0.
// Does no look-up, so any text may pass as a host. Errors: kBadOption (no closing bracket, text
// behind it, port no number of 0..65535, a blank or control character, longer than 255).
std::expected<HostPort, Error> parse_host_port(std::string_view text, std::uint16_t default_port);

// An address as listen() and connect() take it.
struct Address {
  bool rdma = false;  // "rdma://": set up by the InfiniBand connection manager, not by TCP
  HostPort host_port;
  friend bool operator==(const Address&, const Address&) = default;
};

// Parses the same with or without "rdma://" in front. Errors: also kBadOption for any other scheme.
std::expected<Address, Error> parse_address(std::string_view text, std::uint16_t default_port);

}  // namespace mapwire::detail
