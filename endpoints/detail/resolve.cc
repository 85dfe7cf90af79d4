#include "mapwire/endpoints/detail/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/endpoints/detail/coroutine.h"

namespace mapwire::detail {
namespace {

using asio::ip::tcp;
using Resolver = tcp::resolver;

std::unexpected<Error> unknown(const HostPort& address, const asio::error_code& failure) {
  return std::unexpected(
      Error::make(Code::kUnknownHost, ErrorScope::kRequest,
                  fmt::format("host \"{}\": {}; try the numeric address, or `getent hosts {}`",
                              address.host, failure.message(), address.host)));
}

}  // namespace

asio::awaitable<std::expected<std::vector<tcp::endpoint>, Error>> resolve(asio::io_context& io,
                                                                          HostPort address) {
  if (address.host.empty()) {
    co_return std::vector<tcp::endpoint>{{asio::ip::address_v4::loopback(), address.port},
                                         {asio::ip::address_v6::loopback(), address.port}};
  }
  const std::string port = std::to_string(address.port);
  Resolver resolver{io};
  asio::error_code failure;
  const Resolver::flags numeric = Resolver::numeric_host | Resolver::numeric_service;
  auto results = resolver.resolve(address.host, port, numeric, failure);
  if (failure) {
    failure.clear();
    results = co_await resolver.async_resolve(address.host, port, Resolver::numeric_service,
                                              asio::redirect_error(asio::use_awaitable, failure));
  }
  if (failure) co_return unknown(address, failure);
  std::vector<tcp::endpoint> endpoints;
  for (const auto& result : results) endpoints.push_back(result.endpoint());
  co_return endpoints;
}

}  // namespace mapwire::detail
