// From nothing to an endpoint that the user gets.
#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/proto/endian.h"
#include "mapwire/runtime/clock.h"

namespace mapwire {

using detail::kProbes;
using detail::WorkKind;

namespace {

constexpr std::uint32_t kSmallProbeBytes = 16;

// What is not the user's never takes an entry of the user's: a credit update, and of messages in
// pieces the offers, a read and its acknowledgement. Probes are over before the user posts, and
// every queue has room for two.
constexpr std::uint32_t kInternalSends = 3 + proto::kOffersMax;

std::uint32_t sends_at_once(const EndpointOptions& options) {
  return options.send_entries + (options.profile == Profile::kMapwire ? kInternalSends : 0);
}

std::size_t requests_of_user(const EndpointOptions& options) {
  return std::size_t{options.send_entries} + options.receive_entries;
}

std::unexpected<Error> closed_in_set_up() {
  return std::unexpected(Error::make(Code::kEndpointClosed, ErrorScope::kEndpoint,
                                     "endpoint: closed during its set-up; connect again"));
}

}  // namespace

Endpoint::Impl::Impl(std::shared_ptr<detail::DataPath> path, const EndpointOptions& options)
    : path_{std::move(path)},
      options_{options},
      sends_{sends_at_once(options), path_->tlb() != nullptr},
      receives_{options.receive_entries, false},
      receive_credits_{options.receive_entries} {}

Endpoint::Impl::~Impl() {
  if (id_ == 0) return;  // never opened
  const std::lock_guard guard{path_->lock()};
  close_locked();
  path_->endpoints().remove(id_);
  path_->give_back_completions(requests_of_user(options_));
}

std::expected<std::shared_ptr<Endpoint::Impl>, Error> Endpoint::Impl::open(
    const std::shared_ptr<detail::DataPath>& path, const EndpointOptions& options,
    const proto::IpAddress& local, const proto::IpAddress& remote, detail::PeerMake peer) {
  std::shared_ptr<Impl> endpoint{new Impl{path, options}};
  const std::lock_guard guard{path->lock()};
  if (path->nic() == nullptr) {
    return std::unexpected(Error::make(Code::kEndpointClosed, ErrorScope::kEndpoint,
                                       "endpoint: its context is gone; make another context"));
  }
  if (auto opened = endpoint->open_queue_pair(local, remote, peer); !opened) {
    return std::unexpected(opened.error());
  }
  const auto id = path->endpoints().add(*endpoint);
  if (!id) {
    endpoint->end(State::kClosed, Code::kFlushed, Code::kFlushed);
    return std::unexpected(id.error());
  }
  endpoint->id_ = *id;
  path->reserve_completions(requests_of_user(options));
  return endpoint;
}

std::expected<void, Error> Endpoint::Impl::open_queue_pair(const proto::IpAddress& local,
                                                           const proto::IpAddress& remote,
                                                           detail::PeerMake peer) {
  Nic& nic = *path_->nic();
  const QueuePairOptions wanted{.send_entries = std::bit_ceil(sends_at_once(options_)),
                                .receive_entries = options_.receive_entries,
                                .protection_domain = detail::kProtectionDomain,
                                .deadline_ns = options_.deadline_ns,
                                .rnr_deadline_ns = options_.deadline_ns,
                                .roce_port = peer == detail::PeerMake::kForeign};
  const auto address = nic.open_queue_pair(wanted, local, remote);
  if (!address) return std::unexpected(address.error());
  address_ = *address;
  auto memory =
      detail::MessageMemory::create(path_->memory(), sends_.positions(), receives_.positions());
  if (!memory) {
    nic.close_queue_pair(address_.qpn);
    return std::unexpected(memory.error());
  }
  memory_ = std::move(*memory);
  words_ = memory_->words_target();
  if (options_.path_mtu == 0) return {};
  if (options_.path_mtu > address_.path_mtu_max) {
    const std::uint32_t fits = address_.path_mtu_max;
    end(State::kClosed, Code::kFlushed, Code::kFlushed);
    return std::unexpected(Error::make(
        Code::kMtuMismatch, ErrorScope::kRequest,
        fmt::format("path MTU {} from {} to {}: the route carries at most {}; ask for that or less",
                    options_.path_mtu, proto::to_string(local), proto::to_string(remote), fits)));
  }
  address_.path_mtu_max = options_.path_mtu;
  return {};
}

void Endpoint::Impl::set_cm_id(CmId id) {
  const std::lock_guard guard{path_->lock()};
  cm_id_ = id;
}

std::expected<void, Error> Endpoint::Impl::connect(const QueuePairPeer& peer,
                                                   const detail::PeerTerms& terms) {
  const std::lock_guard guard{path_->lock()};
  if (state_ != State::kSettingUp) return closed_in_set_up();
  peer_words_ = terms.words;
  send_credits_ = detail::SendCredits{terms.receive_entries};
  Nic& nic = *path_->nic();
  auto connected = nic.connect_queue_pair(address_.qpn, peer, now_ns());
  if (connected) on_shm_ = nic.wire_of(address_.qpn) == kShmWire;
  return connected;
}

std::expected<void, Error> Endpoint::Impl::prepare_probes(std::uint32_t path_mtu) {
  const std::lock_guard guard{path_->lock()};
  if (state_ != State::kSettingUp) return closed_in_set_up();
  probe_bytes_ = path_mtu;
  detail::ProbeMemory& memory = path_->probe_memory();
  if (auto ready = memory.prepare(path_->memory()); !ready) return ready;
  for (std::uint32_t i = 0; i < kProbes; ++i) {
    proto::ReceiveDescriptor descriptor{.cookie = detail::make_cookie(id_, WorkKind::kProbeReceive),
                                        .sge_count = 1};
    descriptor.sge[0] = memory.received(probe_bytes_);
    if (path_->nic()->post_receive(address_.qpn, descriptor, now_ns())) {
      receives_.push({.kind = WorkKind::kProbeReceive});
    }
  }
  return {};
}

void Endpoint::Impl::post_probes() {
  const std::lock_guard guard{path_->lock()};
  if (state_ != State::kSettingUp) return;
  for (const std::uint32_t bytes : {kSmallProbeBytes, probe_bytes_}) {
    proto::SendDescriptor descriptor{.cookie = detail::make_cookie(id_, WorkKind::kProbeSend),
                                     .sge_count = 1};
    descriptor.sge[0] = path_->probe_memory().sent(bytes);
    if (path_->nic()->post_send(address_.qpn, descriptor, now_ns())) {
      sends_.push({.kind = WorkKind::kProbeSend});
    }
  }
  path_->after_post();
}

detail::ProbeProgress Endpoint::Impl::probe_progress() {
  const std::lock_guard guard{path_->lock()};
  path_->serve_nic();
  return probes_;
}

bool Endpoint::Impl::activate(detail::PeerInfo peer, std::vector<std::byte> peer_private_data) {
  const std::lock_guard guard{path_->lock()};
  if (state_ != State::kSettingUp) return false;
  state_ = State::kOpen;
  peer_ = std::move(peer);
  peer_private_data_ = std::move(peer_private_data);
  if (peer_.exported && peer_.exported->leased) {
    leases_ = std::make_unique<detail::HeldLeases>(*peer_.exported, sends_.positions());
  }
  return true;
}

std::string_view Endpoint::Impl::wire() const {
  return on_shm_ ? kShmWire : std::string_view{path_->attributes().wire};
}

// Nothing can be reached with what the peer did not send.
WindowTerms Endpoint::Impl::window_terms() const {
  return peer_.exported.value_or(WindowTerms{.memory = {}, .rights = {false, false, false}});
}

EndpointInfo Endpoint::Impl::info() const {
  const std::lock_guard guard{path_->lock()};
  return {.nic = path_->attributes().name,
          .wire = std::string{wire()},
          .reason = path_->reason() + (on_shm_ ? "; both ends are on this host" : ""),
          .local = proto::to_string(address_.udp),
          .remote = proto::to_string(peer_.udp),
          .path_mtu = peer_.path_mtu,
          .profile = options_.profile,
          .peer_version = peer_.version};
}

}  // namespace mapwire
