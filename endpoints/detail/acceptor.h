// A listener's side in the control plane: its sockets, and the connections that wait for accept().
//
// Threads: see coroutine.h; addresses() is constant after open().
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "mapwire/endpoints/detail/reply.h"
#include "mapwire/endpoints/endpoint.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  using tcp = asio::ip::tcp;
  using Admit = std::function<void(tcp::socket, std::shared_ptr<Acceptor>)>;

  Acceptor(asio::io_context& io, const EndpointOptions& options) : io_{io}, options_{options} {}

  // Listens on all of `addresses`, with one port: if it is 0 the system chooses. Errors:
  // kAddressInUse, kPermission, kSystemCall. Call once.
  std::expected<void, Error> open(const std::vector<tcp::endpoint>& addresses);
  // Gives every TCP connection to `admit` until close().
  void run(const Admit& admit);
  // Instead of open() and run(): connections come by other means, to these addresses.
  void announce(std::vector<tcp::endpoint> addresses) { addresses_ = std::move(addresses); }
  void close();
  bool closed() const { return closed_; }

  const std::vector<tcp::endpoint>& addresses() const { return addresses_; }
  const EndpointOptions& options() const { return options_; }

  // Answers with the next connection, or kTimeout, or kEndpointClosed after close().
  void accept(std::uint64_t timeout_ns, Reply<Endpoint> reply);
  // A connection is set up.
  void deliver(std::shared_ptr<Endpoint::Impl> endpoint);
  // A set-up for this listener is under way in between.
  void begin_set_up() { ++set_ups_; }
  void end_set_up() { --set_ups_; }
  // Set-ups under way, and connections that wait for accept(), without those that ended meanwhile.
  std::size_t backlog();

 private:
  struct Waiting {
    Waiting(asio::io_context& io, Reply<Endpoint> to) : timer{io}, reply{std::move(to)} {}
    asio::steady_timer timer;
    Reply<Endpoint> reply;
  };

  asio::awaitable<void> accept_loop(std::shared_ptr<Acceptor> self, tcp::acceptor& socket,
                                    Admit admit);
  void drop_dead();
  std::expected<void, Error> open_one(const tcp::endpoint& address);

  asio::io_context& io_;
  const EndpointOptions options_;
  std::list<tcp::acceptor> sockets_;
  std::vector<tcp::endpoint> addresses_;
  std::deque<std::shared_ptr<Endpoint::Impl>> ready_;
  std::list<std::shared_ptr<Waiting>> waiting_;
  std::size_t set_ups_ = 0;
  bool closed_ = false;
};

}  // namespace mapwire::detail
