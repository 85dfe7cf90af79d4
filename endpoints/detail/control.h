// The control plane of a context: control links, listeners, and the set-up of connections.
//
// Threads: functions marked (any) may be called by any thread; the rest see coroutine.h.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/address_parser.h"
#include "mapwire/endpoints/detail/control_counters.h"
#include "mapwire/endpoints/detail/data_path.h"
#include "mapwire/endpoints/detail/exports.h"
#include "mapwire/endpoints/detail/link.h"
#include "mapwire/endpoints/detail/rdma_control.h"
#include "mapwire/endpoints/detail/reply.h"
#include "mapwire/endpoints/detail/resolver.h"
#include "mapwire/endpoints/detail/settings.h"
#include "mapwire/endpoints/detail/updater.h"
#include "mapwire/endpoints/listener.h"

namespace mapwire::detail {

class Acceptor;

class Control {
 public:
  using tcp = asio::ip::tcp;

  // `counters` (may be null) outlives it.
  Control(std::shared_ptr<DataPath> path, const Settings& settings, CounterBlock* counters);
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // (any) The queue of what is to do; run it.
  asio::io_context& io() { return io_; }
  // (any) Each begins soon and answers when the control plane runs.
  void connect(std::string address, const ConnectOptions& options, Reply<Endpoint> reply);
  void import_buffer(std::string address, const ImportOptions& options, Reply<Window> reply);
  void listen(const ListenOptions& options, Reply<std::shared_ptr<Acceptor>> reply);
  void accept(std::shared_ptr<Acceptor> acceptor, std::uint64_t timeout_ns, Reply<Endpoint> reply);
  void stop_listening(std::shared_ptr<Acceptor> acceptor);
  // (any) Lets the updater work, after a first pause, until it ends; ends a pause of it now.
  void run_updater(std::shared_ptr<Updater> updater, std::uint64_t pause_ns);
  void wake_updater(const Updater* updater);
  // (any) The endpoint failed or was closed here: the peer is to know.
  void on_endpoint_ended(EndpointId id, Code code);
  // (any) The peer of the endpoint is to know of a lease. (any) Some wait for one.
  void tell_of_lease(EndpointId id, const LeaseMessage& message);
  void serve_leases();
  // (any) The NIC's connection manager has news.
  void on_connection_event(const CmEvent& event);

  // Closes listeners and links; what waits gets kEndpointClosed. After it the queue runs empty.
  void shut_down();
  bool down() const { return down_; }
  // (any)
  Exports& exports() { return exports_; }
  // Nobody will run the queue again: what is in it, and what still comes, ends at once.
  void end();

  // For the coroutines of set-up.
  ControlCounters& counters() { return counters_; }
  const std::shared_ptr<DataPath>& path() const { return path_; }
  // Makes a TCP connection of a peer or stranger a link that serves requests for `acceptor`.
  void admit(tcp::socket socket, std::shared_ptr<Acceptor> acceptor);

 private:
  using EndpointResult = std::expected<std::shared_ptr<Endpoint::Impl>, Error>;

  asio::awaitable<void> serve_connect(std::string address, ConnectOptions options,
                                      Reply<Endpoint> reply);
  asio::awaitable<void> serve_import(std::string address, ImportOptions options,
                                     Reply<Window> reply);
  struct Target {
    Address address;
    EndpointOptions options;  // complete
    std::uint64_t deadline_ns = 0;
    std::optional<Import> wanted{};
  };
  std::expected<Target, Error> make_target(std::string_view address,
                                           const ConnectOptions& options) const;
  std::expected<Target, Error> make_import(std::string_view address,
                                           const ImportOptions& options) const;
  asio::awaitable<EndpointResult> connect_to(Target target);
  asio::awaitable<EndpointResult> connect_once(const Target& target);
  asio::awaitable<EndpointResult> connect_by_link(tcp::endpoint remote, const Target& target);
  asio::awaitable<EndpointResult> connect_by_rdma_cm(tcp::endpoint remote, const Target& target);
  asio::awaitable<std::expected<std::shared_ptr<Link>, Error>> link_to(tcp::endpoint remote,
                                                                       std::uint64_t deadline_ns);
  asio::awaitable<EndpointResult> set_up_over(std::shared_ptr<Link> link, const Target& target);

  asio::awaitable<void> serve_listen(ListenOptions options, Reply<std::shared_ptr<Acceptor>> reply);
  std::expected<void, Error> open_acceptor(const std::shared_ptr<Acceptor>& acceptor, bool rdma,
                                           const std::vector<tcp::endpoint>& addresses);
  asio::awaitable<void> greet(std::shared_ptr<Link> link, std::shared_ptr<Acceptor> acceptor);
  asio::awaitable<void> serve_request(std::shared_ptr<Link> link,
                                      std::shared_ptr<Acceptor> acceptor,
                                      proto::control::ConnectRequest request);
  asio::awaitable<EndpointResult> answer(std::shared_ptr<Link> link,
                                         std::shared_ptr<Acceptor> acceptor,
                                         const proto::control::ConnectRequest& request,
                                         const std::optional<Exports::Found>& exported);

  asio::awaitable<void> serve_waiting_leases();
  asio::awaitable<void> serve_updater(std::shared_ptr<Updater> updater, std::uint64_t pause_ns);

  // (any) Queues a function of the calls above. One that is dropped destroys its Reply, which
  // answers.
  template <class Function>
  void post(Function function);

  // Enters the endpoint into the link, where messages about it find it.
  std::optional<std::uint32_t> enter(const std::shared_ptr<Link>& link,
                                     const std::shared_ptr<Endpoint::Impl>& endpoint,
                                     std::optional<std::uint32_t> number);

  struct Connecting {
    std::shared_ptr<Link> link;
    std::shared_ptr<asio::steady_timer> settled;  // cancelled when the link is open or failed
    std::optional<Error> failure;
  };
  struct Entry {
    std::shared_ptr<Link> link;
    std::uint32_t number = 0;
  };

  // First, so that it dies last: what is left in its queue refers to the rest.
  asio::io_context io_;
  Resolver resolver_{io_};
  std::shared_ptr<DataPath> path_;
  const Settings settings_;
  ControlCounters counters_;
  RdmaControl rdma_;
  const Introduction introduction_;
  std::map<tcp::endpoint, std::shared_ptr<Link>> links_to_;  // open ones that we connected
  std::map<tcp::endpoint, std::shared_ptr<Connecting>> connecting_;
  std::set<std::shared_ptr<Link>> accepted_;
  std::size_t strangers_ = 0;  // of accepted_, not through Hello
  std::set<std::shared_ptr<Acceptor>> acceptors_;
  Exports exports_;
  std::unordered_map<const Updater*, asio::steady_timer> updaters_;  // until when each pauses
  std::unordered_map<EndpointId, Entry> entries_;
  bool serves_leases_ = false;
  bool down_ = false;
  std::mutex post_mutex_;
  bool ended_ = false;  // guarded by post_mutex_
};

// What answers when its context is no more.
Error context_gone();

// Of the queues of a window's connection that nobody posts to: what set-up needs.
inline constexpr std::uint32_t kUnusedEntries = 2;

// Limits on what others can make us hold; docs/security.md.
inline constexpr std::size_t kStrangersMax = 64;
inline constexpr std::uint64_t kHelloTimeoutNs = 5'000'000'000;
inline constexpr std::size_t kAcceptedLinksMax = 1024;
// Connections of a listener in set-up or not accepted yet: far fewer than the 341 of the default
// sizes that a context holds on an RDMA device.
inline constexpr std::size_t kBacklogMax = 128;
inline constexpr std::size_t kSetUpsPerLinkMax = kBacklogMax / 2;  // leaves room for other peers

}  // namespace mapwire::detail
