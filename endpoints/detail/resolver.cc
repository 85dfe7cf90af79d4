#include "mapwire/endpoints/detail/resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/ip/address.hpp>
#include <asio/post.hpp>
#include <asio/use_future.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/runtime/clock.h"

namespace mapwire::detail {
namespace {

using asio::ip::tcp;

constexpr std::uint64_t kLookUpNs = 10'000'000'000;

Resolver::Answer ask(const std::string& host, std::uint16_t port,
                     tcp::resolver::flags extra_flags) {
  asio::io_context io;  // never runs: the calling thread asks
  asio::error_code failure;
  const auto results = tcp::resolver{io}.resolve(
      host, std::to_string(port), extra_flags | tcp::resolver::numeric_service, failure);
  if (failure) return std::unexpected(failure);
  Resolver::Endpoints endpoints;
  for (const auto& result : results) endpoints.push_back(result.endpoint());
  return endpoints;
}

std::unexpected<Error> unknown(const HostPort& address, std::string_view cause) {
  return std::unexpected(
      Error::make(Code::kUnknownHost, ErrorScope::kRequest,
                  fmt::format("host \"{}\": {}; try the numeric address, or `getent hosts {}`",
                              address.host, cause, address.host)));
}

}  // namespace

struct Resolver::Home {
  std::mutex mutex;
  Resolver* resolver = nullptr;
};

Resolver::Resolver(asio::io_context& io, LookUp look_up)
    : io_{io}, look_up_{std::move(look_up)}, home_{std::make_shared<Home>()} {
  home_->resolver = this;
}

Resolver::~Resolver() {
  const std::lock_guard guard{home_->mutex};
  home_->resolver = nullptr;
}

Resolver::Answer Resolver::ask_system(const std::string& host, std::uint16_t port) {
  return ask(host, port, {});
}

asio::awaitable<std::expected<Resolver::Endpoints, Error>> Resolver::resolve(
    HostPort address, std::uint64_t deadline_ns) {
  if (address.host.empty()) {
    co_return Endpoints{{asio::ip::address_v4::loopback(), address.port},
                        {asio::ip::address_v6::loopback(), address.port}};
  }
  auto numeric = ask(address.host, address.port, tcp::resolver::numeric_host);
  if (numeric) co_return std::move(*numeric);
  const std::uint64_t number = next_number_++;
  const auto wait = std::make_shared<Wait>(io_);
  waits_[number] = wait;
  wait->answered.expires_at(to_time_point(deadline_ns));
  if (!down_) {
    begin(number, address);
    co_await wait_for(wait->answered);
  }
  waits_.erase(number);
  if (wait->answer) co_return std::move(*wait->answer);
  if (down_) {
    co_return std::unexpected(Error::make(Code::kEndpointClosed, ErrorScope::kProcess,
                                          "context: was destroyed; make another one"));
  }
  const asio::error_code failure = wait->answer.error();
  co_return unknown(address, failure ? failure.message() : "no name server answered in time");
}

void Resolver::begin(std::uint64_t number, const HostPort& address) {
  std::thread{[home = home_, look_up = look_up_, number, address] {
    Answer answer = look_up(address.host, address.port);
    const std::lock_guard guard{home->mutex};
    if (home->resolver == nullptr) return;
    asio::post(home->resolver->io_,
               [resolver = home->resolver, number, answer = std::move(answer)]() mutable {
                 resolver->on_answer(number, std::move(answer));
               });
  }}.detach();
}

void Resolver::on_answer(std::uint64_t number, Answer answer) {
  const auto found = waits_.find(number);
  if (found == waits_.end()) return;  // given up
  found->second->answer = std::move(answer);
  found->second->answered.cancel();
}

void Resolver::shut_down() {
  down_ = true;
  for (const auto& [number, wait] : waits_) wait->answered.cancel();
}

std::expected<Resolver::Endpoints, Error> look_up(const HostPort& address) {
  asio::io_context io;
  Resolver resolver{io};
  auto answer =
      asio::co_spawn(io, resolver.resolve(address, now_ns() + kLookUpNs), asio::use_future);
  io.run();
  return answer.get();
}

}  // namespace mapwire::detail
