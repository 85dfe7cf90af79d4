#include "tests/nic_fw/sim/simulation.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <fmt/format.h>

#include "mapwire/runtime/error.h"

namespace mapwire::nic_fw::sim {
namespace {}  // namespace

void Simulation::attach(Host& host, std::size_t queue_pair, QueuePairUser& user) {
  const auto player = std::ranges::find(players_, &host, &Player::host);
  player->attachments.push_back({queue_pair, &user});
}

// Polls the host whose turn comes first; false if there is none before `end_ns`.
bool Simulation::step(std::uint64_t end_ns) {
  Player* next = nullptr;
  std::uint64_t next_ns = kNever;
  for (Player& player : players_) {
    const std::uint64_t poll_ns = next_poll_ns(player);
    if (poll_ns >= next_ns) continue;
    next = &player;
    next_ns = poll_ns;
  }
  if (next == nullptr || next_ns > end_ns) return false;
  now_ns_ = next_ns;
  poll(*next);
  ++polls_;
  return true;
}

std::uint64_t Simulation::next_poll_ns(Player& player) const {
  std::uint64_t due_ns = player.more_completions ? now_ns_ : player.host->next_work_ns(now_ns_);
  for (const Attachment& attachment : player.attachments) {
    due_ns = std::min(due_ns, attachment.user->next_post_ns());
  }
  return due_ns == kNever ? kNever : std::max({due_ns, player.busy_until_ns, now_ns_});
}

void Simulation::poll(Player& player) {
  PollBudget budget;
  if (player.style.varies) {
    budget.receive_packets = random_.between(1, Host::kBatchMax);
    budget.transmit_packets = random_.between(1, Host::kBatchMax);
    budget.acknowledge = random_.percent(60);
  }
  player.host->receive(budget, now_ns_);
  for (const Attachment& attachment : player.attachments) attachment.user->post(now_ns_);
  player.host->transmit(budget, now_ns_);
  reap(player);
  check_queue_pairs(player);
  player.busy_until_ns = now_ns_ + kPollNs + random_.below(player.style.delay_ns_max + 1);
}

void Simulation::reap(Player& player) {
  const std::uint64_t reap_max = player.style.varies ? random_.between(1, 64) : 1024;
  for (std::uint64_t i = 0; i < reap_max; ++i) {
    const auto entry = player.host->take_completion();
    player.more_completions = entry.has_value();
    if (!entry) return;
    deliver(player, *entry);
  }
}

void Simulation::deliver(Player& player, const proto::CompletionEntry& entry) {
  for (const Attachment& attachment : player.attachments) {
    if (player.host->queue_pair(attachment.queue_pair).address.qpn != entry.qpn) continue;
    attachment.user->on_completion(entry, now_ns_);
    return;
  }
  verdict_.fail(fmt::format("a completion of the unknown queue pair 0x{:06x}", entry.qpn));
}

void Simulation::check_queue_pairs(Player& player) {
  std::array<AsyncEvent, 1> events;
  if (player.host->engine().poll_async(events) == 0) return;
  verdict_.fail(fmt::format("queue pair 0x{:06x} went to error: {}", events[0].qpn,
                            mapwire::name(events[0].code)));
}

}  // namespace mapwire::nic_fw::sim
