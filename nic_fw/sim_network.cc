#include "mapwire/nic_fw/sim_network.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace mapwire::nic_fw {
namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kBitNanoseconds = 8'000'000'000;  // nanoseconds of a byte at 1 bit/s
constexpr std::size_t kUdpHeaderBytes = 8;

std::size_t link_bytes(const WirePacket& packet) {
  const bool v6 = packet.flow.destination.ip.family == proto::IpFamily::kV6;
  return (v6 ? 40U : 20U) + kUdpHeaderBytes + packet.bytes.size();
}

}  // namespace

SimLinkId SimNetwork::add_link(const SimLinkOptions& options) {
  links_.push_back({.options = options});
  return links_.size() - 1;
}

SimInboxId SimNetwork::add_inbox() {
  inboxes_.emplace_back();
  return inboxes_.size() - 1;
}

std::optional<SimInboxId> SimNetwork::find_inbox(const proto::UdpAddress& address) const {
  const auto found = std::ranges::find(bindings_, address, &Binding::address);
  if (found == bindings_.end()) return std::nullopt;
  return found->inbox;
}

std::expected<void, Error> SimNetwork::bind(const proto::UdpAddress& address, SimInboxId inbox) {
  if (const auto owner = find_inbox(address)) {
    if (*owner == inbox) return {};
    return std::unexpected(
        Error::make(Code::kAddressInUse, ErrorScope::kDevice,
                    fmt::format("simulated address {} belongs to another wire; choose another",
                                proto::to_string(address))));
  }
  bindings_.push_back({.address = address, .inbox = inbox});
  return {};
}

// When the last bit of a packet of `bytes` leaves the link, or nothing if the queue is full.
std::optional<std::uint64_t> SimNetwork::pass(Link& link, std::size_t bytes, std::uint64_t now_ns) {
  const std::uint64_t rate = link.options.bits_per_second;
  if (rate == 0) return now_ns;
  const std::uint64_t start_ns = std::max(now_ns, link.free_at_ns);
  const std::uint64_t queue_ns_max = link.options.queue_bytes_max * kBitNanoseconds / rate;
  const std::uint64_t packet_ns = bytes * kBitNanoseconds / rate;
  if (start_ns - now_ns + packet_ns > queue_ns_max) return std::nullopt;
  link.free_at_ns = start_ns + packet_ns;
  return link.free_at_ns;
}

void SimNetwork::send(SimLinkId link_id, const WirePacket& packet, std::uint64_t now_ns) {
  Link& link = links_[link_id];
  const auto left_ns = pass(link, link_bytes(packet), now_ns);
  if (!left_ns) {
    ++link.dropped;
    return;
  }
  const auto inbox = find_inbox(packet.flow.destination);
  if (!inbox) return;
  auto& arriving = inboxes_[*inbox].arriving;
  arriving.push_back({.arrival_ns = *left_ns + link.options.delay_ns,
                      .sequence = sequence_++,
                      .flow = packet.flow,
                      .bytes = {packet.bytes.begin(), packet.bytes.end()}});
  std::push_heap(arriving.begin(), arriving.end());
}

std::size_t SimNetwork::receive(SimInboxId inbox_id, std::span<WirePacket> packets,
                                std::uint64_t now_ns) {
  Inbox& inbox = inboxes_[inbox_id];
  inbox.taken.clear();
  while (inbox.taken.size() < packets.size() && !inbox.arriving.empty() &&
         inbox.arriving.front().arrival_ns <= now_ns) {
    std::pop_heap(inbox.arriving.begin(), inbox.arriving.end());
    inbox.taken.push_back(std::move(inbox.arriving.back()));
    inbox.arriving.pop_back();
  }
  for (std::size_t i = 0; i < inbox.taken.size(); ++i) {
    packets[i] = {.flow = inbox.taken[i].flow, .bytes = inbox.taken[i].bytes};
  }
  return inbox.taken.size();
}

std::uint64_t SimNetwork::next_arrival_ns(SimInboxId inbox) const {
  const auto& arriving = inboxes_[inbox].arriving;
  return arriving.empty() ? kNever : arriving.front().arrival_ns;
}

}  // namespace mapwire::nic_fw
