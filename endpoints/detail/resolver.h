// Names and addresses to what TCP connects to and listens on.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/error_code.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mapwire/endpoints/detail/address_parser.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

// The system's look-up of a name takes as long as its name servers let it, and can not be
// interrupted. So each runs in a thread of its own that nobody waits for: it ends when the system
// answers, and the answer is dropped if nobody wants it any more.
//
// Threads: see coroutine.h.
class Resolver {
 public:
  using Endpoints = std::vector<asio::ip::tcp::endpoint>;
  using Answer = std::expected<Endpoints, asio::error_code>;
  // Called in a thread of its own.
  using LookUp = std::function<Answer(const std::string& host, std::uint16_t port)>;

  explicit Resolver(asio::io_context& io, LookUp look_up = ask_system);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();  // does not wait for look-ups

  // All addresses of the host, in the system's order of preference; an empty host is the loopback,
  // IPv4 first. A numeric address needs no name server. Errors: kUnknownHost (also if there is no
  // answer by `deadline_ns`), kEndpointClosed (shut_down).
  asio::awaitable<std::expected<Endpoints, Error>> resolve(HostPort address,
                                                           std::uint64_t deadline_ns);
  // Ends what waits, and what still comes with a name.
  void shut_down();

 private:
  // What the threads know: null when the resolver is gone.
  struct Home;
  struct Wait {
    explicit Wait(asio::io_context& io) : answered{io} {}
    asio::steady_timer answered;  // cancelled when it is, or nobody may wait any more
    Answer answer = std::unexpected(asio::error_code{});
  };

  static Answer ask_system(const std::string& host, std::uint16_t port);
  void begin(std::uint64_t number, const HostPort& address);
  void on_answer(std::uint64_t number, Answer answer);

  asio::io_context& io_;
  const LookUp look_up_;
  const std::shared_ptr<Home> home_;
  std::map<std::uint64_t, std::shared_ptr<Wait>> waits_;
  std::uint64_t next_number_ = 0;
  bool down_ = false;
};

// The same for who has no io_context: waits for the answer, at most 10 s. Errors: kUnknownHost.
std::expected<Resolver::Endpoints, Error> look_up(const HostPort& address);

}  // namespace mapwire::detail
