// What ibv_rc_pingpong says over TCP before its queue pairs talk: one line from each side, with
// LID, QPN, first PSN and GID in hexadecimal, the client's first, and a last word of the client.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "mapwire/proto/address.h"

namespace mapwire::interop {

struct PingpongAddress {
  std::uint32_t qpn = 0;
  std::uint32_t first_psn = 0;
  proto::IpAddress ip;  // a RoCEv2 GID is an IPv6 address, or an IPv4 address mapped into one
  friend bool operator==(const PingpongAddress&, const PingpongAddress&) = default;
};

std::string to_line(const PingpongAddress& address);
// Error: what is wrong with the line.
std::expected<PingpongAddress, std::string> parse_line(std::string_view line);

// Connects to `host` and exchanges lines as the client. Error: why not.
std::expected<PingpongAddress, std::string> exchange_as_client(const std::string& host,
                                                               std::uint16_t port,
                                                               const PingpongAddress& own);
// Waits for a client, says "listening" on stderr before, and exchanges lines as the server.
std::expected<PingpongAddress, std::string> exchange_as_server(std::uint16_t port,
                                                               const PingpongAddress& own);

}  // namespace mapwire::interop
