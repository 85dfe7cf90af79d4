#include "tests/interop/pingpong_exchange.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdio>

#include <fmt/format.h>
#include <asio.hpp>

#include "mapwire/endpoints/detail/asio_address.h"

namespace mapwire::interop {
namespace {

using asio::ip::tcp;

// "LLLL:QQQQQQ:PPPPPP:" and the GID, with the NUL behind it.
constexpr std::size_t kLineBytes = 4 + 1 + 6 + 1 + 6 + 1 + 32 + 1;
constexpr std::array<char, 5> kLastWord{'d', 'o', 'n', 'e', '\0'};

std::expected<std::uint32_t, std::string> hexadecimal(std::string_view digits) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value, 16);
  if (error != std::errc{} || end != digits.end()) {
    return std::unexpected(fmt::format("'{}' is no hexadecimal number", digits));
  }
  return value;
}

void write_line(tcp::socket& socket, const PingpongAddress& own) {
  const std::string line = to_line(own);
  asio::write(socket, asio::buffer(line.c_str(), kLineBytes));
}

std::expected<PingpongAddress, std::string> read_line(tcp::socket& socket) {
  std::array<char, kLineBytes> line{};
  asio::read(socket, asio::buffer(line));
  return parse_line({line.data(), kLineBytes - 1});
}

}  // namespace

std::string to_line(const PingpongAddress& address) {
  std::string line = fmt::format("0000:{:06x}:{:06x}:", address.qpn, address.first_psn);
  for (const std::uint8_t byte : proto::to_gid(address.ip)) line += fmt::format("{:02x}", byte);
  return line;
}

std::expected<PingpongAddress, std::string> parse_line(std::string_view line) {
  if (line.size() != kLineBytes - 1 || line[4] != ':' || line[11] != ':' || line[18] != ':') {
    return std::unexpected(fmt::format("'{}' is no line of ibv_rc_pingpong", line));
  }
  const auto qpn = hexadecimal(line.substr(5, 6));
  if (!qpn) return std::unexpected(qpn.error());
  const auto psn = hexadecimal(line.substr(12, 6));
  if (!psn) return std::unexpected(psn.error());
  asio::ip::address_v6::bytes_type gid{};
  for (std::size_t i = 0; i < gid.size(); ++i) {
    const auto byte = hexadecimal(line.substr(19 + 2 * i, 2));
    if (!byte) return std::unexpected(byte.error());
    gid[i] = static_cast<unsigned char>(*byte);
  }
  return PingpongAddress{
      .qpn = *qpn, .first_psn = *psn, .ip = detail::to_ip(asio::ip::address_v6{gid})};
}

std::expected<PingpongAddress, std::string> exchange_as_client(const std::string& host,
                                                               std::uint16_t port,
                                                               const PingpongAddress& own) try {
  asio::io_context io;
  tcp::socket socket{io};
  socket.connect({asio::ip::make_address(host), port});
  write_line(socket, own);
  auto peer = read_line(socket);
  asio::write(socket, asio::buffer(kLastWord));
  return peer;
} catch (const std::system_error& error) {
  return std::unexpected(fmt::format("{}:{}: {}", host, port, error.what()));
}

std::expected<PingpongAddress, std::string> exchange_as_server(std::uint16_t port,
                                                               const PingpongAddress& own) try {
  asio::io_context io;
  tcp::acceptor acceptor{io, {tcp::v4(), port}};
  std::fprintf(stderr, "listening\n");
  tcp::socket socket = acceptor.accept();
  auto peer = read_line(socket);
  write_line(socket, own);
  std::array<char, kLastWord.size()> last_word{};
  asio::read(socket, asio::buffer(last_word));
  return peer;
} catch (const std::system_error& error) {
  return std::unexpected(fmt::format("port {}: {}", port, error.what()));
}

}  // namespace mapwire::interop
