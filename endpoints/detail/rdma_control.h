// Set-up by the InfiniBand communication manager: the connections of rdma:// addresses.
//
// Threads: see coroutine.h.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mapwire/endpoints/detail/acceptor.h"
#include "mapwire/endpoints/detail/control_counters.h"
#include "mapwire/endpoints/detail/data_path.h"
#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/runtime/connection_manager.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

struct RdmaConnect {
  proto::IpAddress local;
  proto::UdpAddress service;
  EndpointOptions options;  // complete
  std::uint64_t deadline_ns = 0;
};

class RdmaControl {
 public:
  using tcp = asio::ip::tcp;
  using EndpointResult = std::expected<std::shared_ptr<Endpoint::Impl>, Error>;

  RdmaControl(asio::io_context& io, std::shared_ptr<DataPath> path, ControlCounters& counters)
      : io_{io}, path_{std::move(path)}, counters_{counters} {}
  RdmaControl(const RdmaControl&) = delete;
  RdmaControl& operator=(const RdmaControl&) = delete;

  // Connects; the endpoint is the user's when it returns without error. Errors: kConnectionRefused
  // (nobody serves the port), kPeerRefused, kConnectTimeout, kNoUsableNic (the NIC has no
  // communication manager), kInvalidArgument (private data too long), those of
  // Endpoint::Impl::open.
  asio::awaitable<EndpointResult> connect(RdmaConnect wanted);

  // Listens on as many of `addresses` as can be had, for `acceptor`, and answers which. Errors:
  // what the first address failed with, if none could be had; kNoUsableNic; kBadOption (private
  // data of the acceptor's options too long).
  std::expected<std::vector<tcp::endpoint>, Error> listen(
      std::vector<tcp::endpoint> addresses, const std::shared_ptr<Acceptor>& acceptor);
  // No effect for an acceptor that does not listen here.
  void stop_listening(const std::shared_ptr<Acceptor>& acceptor);

  void on_event(const CmEvent& event);
  // The endpoint failed or was closed here; the peer has been told.
  void on_endpoint_ended(EndpointId id);
  // What waits ends with kEndpointClosed.
  void shut_down();

 private:
  struct Connection {
    std::shared_ptr<Endpoint::Impl> endpoint;
    // Of a request that we made: expires never, cancelled when `answer` is there.
    std::shared_ptr<asio::steady_timer> answered;
    std::optional<CmEvent> answer;
    // Of a request that we accepted: to whom it goes when it is established.
    std::shared_ptr<Acceptor> acceptor;
    CmEvent request;
  };

  // Calls a function with the communication manager, under the context's lock; kNoUsableNic or
  // kEndpointClosed if there is none.
  template <class Function>
  auto with_manager(Function function) -> decltype(function(std::declval<ConnectionManager&>()));
  // The same for what cannot fail; nothing happens if there is none.
  template <class Function>
  void tell_manager(Function function);
  std::expected<void, Error> listen_at(const std::vector<tcp::endpoint>& addresses,
                                       const std::shared_ptr<Acceptor>& acceptor,
                                       std::vector<tcp::endpoint>& listening);
  EndpointResult finish(const RdmaConnect& wanted, CmId id, Connection connection);
  void on_request(const CmEvent& event);
  std::expected<void, Error> accept(const CmEvent& event,
                                    const std::shared_ptr<Acceptor>& acceptor);
  void on_established(CmId id);
  void on_ended(const CmEvent& event);
  bool activate(Endpoint::Impl& endpoint, const CmEvent& event, std::size_t private_bytes);

  asio::io_context& io_;
  std::shared_ptr<DataPath> path_;
  ControlCounters& counters_;
  std::unordered_map<CmId, Connection> connections_;
  std::vector<std::pair<proto::UdpAddress, std::shared_ptr<Acceptor>>> listeners_;
  bool down_ = false;
};

}  // namespace mapwire::detail
