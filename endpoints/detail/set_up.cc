#include "mapwire/endpoints/detail/set_up.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <expected>
#include <utility>

#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/endpoints/detail/probe.h"
#include "mapwire/endpoints/detail/window_passing.h"
#include "mapwire/runtime/log.h"

namespace mapwire::detail {
namespace {

std::uint32_t path_mtu(const SetUp& set_up, const Offer& offer) {
  return std::min(set_up.endpoint->address().path_mtu_max, offer.address.path_mtu_max);
}

// The NIC takes another wire where shared memory does not reach.
std::expected<void, Error> check_wire(const SetUp& set_up, const Offer& offer) {
  const bool shm_alone = offer.shm_alone || set_up.path->shm_alone();
  if (!shm_alone || set_up.endpoint->wire() == kShmWire) return {};
  return std::unexpected(
      Error::make(Code::kNoUsableNic, ErrorScope::kEndpoint,
                  fmt::format("peer {}: shares no memory with this process, which the wire shm "
                              "wants; let both ends run in one network namespace of one host, or "
                              "choose the wire freely (MAPWIRE_WIRE=auto)",
                              proto::to_string(set_up.link->addresses().remote))));
}

std::expected<void, Error> connect_queue_pair(const SetUp& set_up, const Offer& offer) {
  const QueuePairPeer peer{
      .address = offer.address, .path_mtu = path_mtu(set_up, offer), .foreign = offer.foreign};
  if (auto ready = set_up.endpoint->prepare_probes(peer.path_mtu); !ready) return ready;
  if (auto connected = set_up.endpoint->connect(peer, offer.terms); !connected) return connected;
  return check_wire(set_up, offer);
}

// At the importer.
std::expected<void, Error> take_window(Endpoint::Impl& endpoint, Offer& offer) {
  WindowTerms& terms = *offer.exported;
  if (offer.key_passed) {
    const auto key = take_key(endpoint);
    if (!key) return std::unexpected(key.error());
    terms.memory.rkey = *key;
  }
  map_pages(endpoint, terms);
  return {};
}

// The queue pairs are connected, or the peer's soon will be.
asio::awaitable<std::expected<void, Error>> finish(asio::io_context& io, SetUp set_up,
                                                   Offer offer) {
  auto agreed = co_await agree_on_path(io, set_up.link, set_up.number, set_up.endpoint);
  if (!agreed) co_return agreed;
  if (offer.exported) {
    if (auto taken = take_window(*set_up.endpoint, offer); !taken) co_return taken;
  }
  PeerInfo peer{.udp = offer.address.udp,
                .path_mtu = path_mtu(set_up, offer),
                .version = set_up.link->peer_version(),
                .exported = offer.exported};
  if (!set_up.endpoint->activate(std::move(peer), std::move(offer.private_data))) {
    co_return std::unexpected(Error::make(Code::kEndpointClosed, ErrorScope::kEndpoint,
                                          "endpoint: ended during its set-up; connect again"));
  }
  set_up.link->on_set_up(set_up.number, offer.deadline_ns);
  const EndpointInfo info = set_up.endpoint->info();
  log(LogLevel::kInfo, "connection {} -> {}: NIC {} over {} ({}), path MTU {}, peer is mapwire {}",
      info.local, info.remote, info.nic, info.wire, info.reason, info.path_mtu, info.peer_version);
  co_return agreed;
}

}  // namespace

asio::awaitable<std::expected<void, Error>> finish_as_connector(asio::io_context& io, SetUp set_up,
                                                                std::uint64_t deadline_ns) {
  auto message = co_await set_up.link->receive(set_up.number, deadline_ns);
  if (!message) co_return std::unexpected(message.error());
  const auto offer = read_reply(message->connect_reply(), set_up.path->attributes(),
                                set_up.link->addresses().remote.ip);
  if (!offer) co_return std::unexpected(offer.error());
  if (auto connected = connect_queue_pair(set_up, *offer); !connected) co_return connected;
  co_return co_await finish(io, set_up, *offer);
}

asio::awaitable<std::expected<void, Error>> finish_as_acceptor(asio::io_context& io, SetUp set_up,
                                                               Offer offer) {
  auto ready = connect_queue_pair(set_up, offer);
  if (ready && set_up.user) {
    ready = pass_key(*set_up.endpoint, *set_up.user, set_up.exported->memory.rkey);
  }
  if (!ready) {
    set_up.link->send(make_refusal(set_up.number, ready.error()));
    co_return ready;
  }
  auto reply = make_reply(set_up.number, *set_up.endpoint, set_up.path->attributes());
  if (set_up.exported) add_exported(reply, *set_up.exported, set_up.user.has_value());
  if (set_up.shared) pass_pages(*set_up.endpoint, *set_up.shared);
  set_up.link->send(reply);
  co_return co_await finish(io, set_up, offer);
}

PeerMake make_of(const Link& link) {
  return link.peer_nic() == kVerbsNic ? PeerMake::kForeign : PeerMake::kMapwire;
}

Error too_many_connections(const Link& link) {
  return Error::make(
      Code::kLimitReached, ErrorScope::kEndpoint,
      fmt::format("peer {}: holds its most connections, {}; close some",
                  proto::to_string(link.addresses().remote), kConnectionsPerLinkMax));
}

}  // namespace mapwire::detail
