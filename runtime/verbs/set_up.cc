// Opening, connecting and closing queue pairs.
#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <expected>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "mapwire/proto/headers.h"
#include "mapwire/proto/packet.h"
#include "mapwire/runtime/verbs/failures.h"
#include "mapwire/runtime/verbs/verbs_nic_impl.h"

namespace mapwire::verbs {
namespace {

constexpr std::uint32_t kNumberMax = (1U << 24) - 1;  // QPNs and PSNs have 24 bits

std::uint32_t random_psn() {
  std::uint32_t bits = 0;
  // So few bytes come at once and whole (random(7)).
  if (::getrandom(&bits, sizeof(bits), 0) != sizeof(bits)) std::abort();
  return bits & kNumberMax;
}

std::unexpected<Error> refuse(Code code, ErrorScope scope, std::string message) {
  return std::unexpected(Error::make(code, scope, std::move(message)));
}

bool power_of_two_within(std::uint32_t value, std::uint32_t min, std::uint32_t max) {
  return std::has_single_bit(value) && value >= min && value <= max;
}

// Asked anew each time: addresses come and go.
std::expected<VerbsCandidate, Error> choose_address(const std::string& device,
                                                    const proto::IpAddress& local) {
  const auto devices = list_verbs_devices();
  if (!devices) return std::unexpected(devices.error());
  const auto candidates = judge_candidates(*devices, local);
  const auto usable = std::ranges::find_if(candidates, [&](const VerbsCandidate& candidate) {
    return candidate.device == device && candidate.rejection.empty();
  });
  if (usable == candidates.end()) return std::unexpected(no_gid(device, local, candidates));
  return *usable;
}

}  // namespace

VerbsNic::VerbsNic(DeviceObjects device, NicAttributes attributes, std::string name)
    : attributes_{std::move(attributes)},
      name_{std::move(name)},
      device_{std::move(device)},
      connection_manager_{name_, attributes_.read_atomic_max, device_.events},
      regions_{name_, device_.context.get()},
      ready_{attributes_.completion_entries} {
  failing_.reserve(attributes_.queue_pairs_max);
  events_.reserve(attributes_.queue_pairs_max);
}

QueuePair* VerbsNic::find(Qpn qpn) {
  if (last_found_ != nullptr && last_found_->qpn() == qpn) return last_found_;
  const auto pair = pairs_.find(qpn);
  if (pair == pairs_.end()) return nullptr;
  last_found_ = pair->second.get();
  return last_found_;
}

std::expected<void, Error> VerbsNic::check(const QueuePairOptions& options) const {
  for (const std::uint32_t entries : {options.send_entries, options.receive_entries}) {
    if (power_of_two_within(entries, 1, attributes_.queue_entries_max)) continue;
    return refuse(Code::kInvalidArgument, ErrorScope::kEndpoint,
                  fmt::format("queue pair: {} entries; choose a power of two 1..{}", entries,
                              attributes_.queue_entries_max));
  }
  if (pairs_.size() == attributes_.queue_pairs_max) {
    return refuse(Code::kLimitReached, ErrorScope::kEndpoint,
                  fmt::format("RDMA device {}: all {} queue pairs are open; close some", name_,
                              attributes_.queue_pairs_max));
  }
  const std::uint64_t wanted = std::uint64_t{options.send_entries} + options.receive_entries;
  if (reserved_entries_ + wanted > attributes_.completion_entries) {
    return refuse(Code::kLimitReached, ErrorScope::kEndpoint,
                  fmt::format("RDMA device {}: {} of its {} completion entries are taken, {} are "
                              "wanted; use smaller queues or close some",
                              name_, reserved_entries_, attributes_.completion_entries, wanted));
  }
  return {};
}

std::expected<std::unique_ptr<QueuePair>, Error> VerbsNic::make_queue_pair(
    const QueuePairOptions& options, const VerbsCandidate& address) {
  const auto domain = regions_.domain(options.protection_domain);
  if (!domain) return std::unexpected(domain.error());
  std::uint32_t inline_bytes = 0;
  auto handle = create_queue_pair(name_, *domain, device_.completions.get(), options, inline_bytes);
  if (!handle) return std::unexpected(handle.error());
  auto pair = std::make_unique<QueuePair>(std::move(*handle), options);
  pair->handle->qp_context = pair.get();  // the device's events name it
  pair->gid = address.gid;
  pair->first_psn = random_psn();
  pair->inline_bytes = inline_bytes;
  if (auto ready = to_init(name_, *pair); !ready) return std::unexpected(ready.error());
  return pair;
}

std::expected<QueuePairAddress, Error> VerbsNic::open_queue_pair(const QueuePairOptions& options,
                                                                 const proto::IpAddress& local,
                                                                 const proto::IpAddress&) {
  if (auto allowed = check(options); !allowed) return std::unexpected(allowed.error());
  const auto address = choose_address(name_, local);
  if (!address) return std::unexpected(address.error());
  auto pair = make_queue_pair(options, *address);
  if (!pair) return std::unexpected(pair.error());
  const Qpn qpn = (*pair)->handle->qp_num;
  const QueuePairAddress result{
      .udp = {.ip = local, .port = proto::kRocePort},
      .qpn = qpn,
      .first_psn = (*pair)->first_psn,
      .path_mtu_max = std::min<std::uint32_t>(address->path_mtu, proto::kPathMtuMax),
      .read_atomic_max = attributes_.read_atomic_max};
  reserved_entries_ += (*pair)->entries();
  pairs_[qpn] = std::move(*pair);
  return result;
}

std::expected<void, Error> VerbsNic::connect_queue_pair(Qpn qpn, const QueuePairPeer& peer,
                                                        std::uint64_t /*now_ns*/) {
  QueuePair* pair = find(qpn);
  if (pair == nullptr || pair->state != QueuePair::State::kOpen) {
    return refuse(Code::kInvalidArgument, ErrorScope::kEndpoint,
                  fmt::format("queue pair {}: not open, or connected already; open one", qpn));
  }
  if (!proto::is_path_mtu(peer.path_mtu)) {
    return refuse(Code::kInvalidArgument, ErrorScope::kEndpoint,
                  fmt::format("queue pair {}: path MTU {}; choose a power of two 256..4096", qpn,
                              peer.path_mtu));
  }
  if (peer.address.qpn > kNumberMax || peer.address.udp.port != proto::kRocePort) {
    return refuse(
        Code::kInvalidArgument, ErrorScope::kEndpoint,
        fmt::format("queue pair {}: the peer is queue pair {} at {}, which no RDMA device "
                    "reaches; a soft NIC needs MAPWIRE_UDP_PORT=4791",
                    qpn, peer.address.qpn, proto::to_string(peer.address.udp)));
  }
  auto ready = to_ready(name_, *pair, peer, attributes_.read_atomic_max);
  if (ready) pair->state = QueuePair::State::kConnected;
  return ready;
}

void VerbsNic::close_queue_pair(Qpn qpn) {
  const auto position = pairs_.find(qpn);
  if (position == pairs_.end()) return;
  QueuePair& pair = *position->second;
  drain();
  pair.state = QueuePair::State::kFailing;  // what is flushed is dropped
  to_reset(pair);
  drain();  // nothing of it comes any more
  ready_.forget(pair);
  std::erase(failing_, &pair);
  std::erase_if(events_, [&](const AsyncEvent& event) { return event.qpn == qpn; });
  retired_entries_ += pair.entries();
  last_found_ = nullptr;
  if (clockless_ == &pair) clockless_ = nullptr;
  sends_under_way_ -= pair.sends.size();
  pairs_.erase(position);
  if (!ready_.empty()) return;
  reserved_entries_ -= std::exchange(retired_entries_, 0);
}

}  // namespace mapwire::verbs
