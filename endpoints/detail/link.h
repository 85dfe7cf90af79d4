// A control link: the TCP connection between two processes, over which they set up connections,
// and by which each knows that the other lives.
//
// Threads: see coroutine.h.
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
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "control.pb.h"
#include "mapwire/endpoints/detail/control_counters.h"
#include "mapwire/endpoints/detail/frame_parser.h"
#include "mapwire/endpoints/detail/hello.h"
#include "mapwire/endpoints/endpoint.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

// As many as the soft NIC has queue pairs.
inline constexpr std::size_t kConnectionsPerLinkMax = 16384;

class Link : public std::enable_shared_from_this<Link> {
 public:
  using tcp = asio::ip::tcp;

  Link(asio::io_context& io, tcp::socket socket, ControlCounters& counters);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // The two ways to begin. Each exchanges Hellos; the link is open when it returns without an
  // error, and closed otherwise. Errors: kConnectionRefused, kConnectTimeout (not reached, or no
  // Hello, by `deadline_ns`), those of check_hello.
  asio::awaitable<std::expected<void, Error>> connect(tcp::endpoint remote,
                                                      const Introduction& introduction,
                                                      std::uint64_t deadline_ns);
  asio::awaitable<std::expected<void, Error>> accept(const Introduction& introduction,
                                                     std::uint64_t deadline_ns);

  // Reads messages and keeps the link alive from now on, until it closes. Requests for connections
  // go to `on_request`; without one they are protocol errors. `on_closed` is called once.
  using OnRequest =
      std::function<void(const std::shared_ptr<Link>&, proto::control::ConnectRequest)>;
  void run(OnRequest on_request, std::function<void()> on_closed);

  // Queues a message. Does nothing on a closed link.
  void send(const proto::control::Message& message);

  // Enters a connection, in set-up until on_set_up. `number`: nothing if we choose it. Nothing, if
  // the link is closed, the number is taken or the link is full.
  std::optional<std::uint32_t> add(std::shared_ptr<Endpoint::Impl> endpoint,
                                   std::optional<std::uint32_t> number);
  // Waits for the next message about a connection in set-up. Errors: kConnectTimeout, and what
  // closed the link.
  asio::awaitable<std::expected<proto::control::Message, Error>> receive(std::uint32_t number,
                                                                         std::uint64_t deadline_ns);
  void on_set_up(std::uint32_t number, std::uint64_t peer_deadline_ns);
  // Connections in set-up.
  std::size_t set_ups() const { return set_ups_; }
  // The endpoint is gone. Its messages are ignored from now on.
  void remove(std::uint32_t number);

  // Ends the link: its connections fail with `reason`.
  void close(const Error& reason);
  bool closed() const { return closed_.has_value(); }
  const LinkAddresses& addresses() const { return addresses_; }
  const std::string& peer_version() const { return peer_version_; }
  // The kind of its NIC, as it says.
  const std::string& peer_nic() const { return peer_nic_; }

 private:
  struct Inbox {
    explicit Inbox(asio::io_context& io) : changed{io} {}
    std::deque<proto::control::Message> messages;  // at most kInboxMax
    asio::steady_timer changed;                    // cancelled when they did
  };
  struct Connection {
    std::shared_ptr<Endpoint::Impl> endpoint;
    std::uint64_t peer_deadline_ns = 0;
    std::shared_ptr<Inbox> inbox;  // in set-up; null afterwards
    bool in_set_up() const { return inbox != nullptr; }
  };

  asio::awaitable<void> read_loop(std::shared_ptr<Link> self);
  asio::awaitable<void> watch(std::shared_ptr<Link> self);
  asio::awaitable<std::expected<proto::control::Message, Error>> read_message();
  asio::awaitable<std::expected<void, Error>> receive_hello();
  std::expected<void, Error> take_addresses();
  void close_at(std::uint64_t deadline_ns);
  std::size_t write_now(const std::string& bytes);
  void write_next();
  bool dispatch(proto::control::Message message);
  bool on_disconnect(const proto::control::Disconnect& disconnect);
  bool on_lease(const proto::control::Lease& message);
  static bool holds_refusal(const Connection& connection);
  static std::uint64_t patience_ns(const Connection& connection);
  std::uint64_t least_patience_ns() const;
  void fail_silent_connections();

  asio::io_context& io_;
  tcp::socket socket_;
  ControlCounters& counters_;
  asio::steady_timer expiry_;  // of the exchange of Hellos
  bool greeted_ = false;       // it is done
  asio::steady_timer tick_;    // of the keep-alives
  FrameParser parser_{kStrangerFrameBytesMax};
  LinkAddresses addresses_;
  std::string peer_version_;
  std::string peer_nic_;
  OnRequest on_request_;
  std::function<void()> on_closed_;
  std::deque<std::string> outgoing_;  // frames; the first is being written
  std::map<std::uint32_t, Connection> connections_;
  std::size_t set_ups_ = 0;
  std::uint32_t next_number_ = 1;
  std::uint64_t tick_patience_ns_ = 0;  // least_patience_ns() when the tick that runs was chosen
  bool connections_changed_ = true;     // since then
  std::uint64_t silent_ns_ = 0;         // in ticks that we have seen without a message
  std::uint64_t unused_ns_ = 0;         // likewise, without a connection
  std::optional<Error> closed_;
};

}  // namespace mapwire::detail
