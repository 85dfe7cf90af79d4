#include "mapwire/nic_fw/queue_table.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <utility>

#include <fmt/format.h>

namespace mapwire::nic_fw {
namespace {

constexpr std::size_t kPageBytes = 4096;

// In whole pages: what a queue pair without traffic uses, the beginnings of both rings, are two
// pages then and not now and then three or four.
std::size_t block_bytes(const QueuePairOptions& options) {
  return (work_queue_bytes(options) + kPageBytes - 1) / kPageBytes * kPageBytes;
}

// Twice what all queues need at once, because a block is used again only for queues of its size.
std::size_t ring_bytes_max(std::uint32_t queue_pairs_max, std::uint32_t completion_entries) {
  const QueuePairOptions empty{.send_entries = 0, .receive_entries = 0};
  return 2 * (completion_entries * sizeof(proto::SendDescriptor) +
              queue_pairs_max * (work_queue_bytes(empty) + kPageBytes)) +
         RingMemory::kArenaBytes;
}

}  // namespace

QueueTable::QueueTable(std::uint32_t queue_pairs_max, std::uint32_t completion_entries)
    : completion_entries_{completion_entries},
      memory_{ring_bytes_max(queue_pairs_max, completion_entries)} {}

std::expected<void, Error> QueueTable::check(const QueuePairOptions& options) const {
  for (const std::uint32_t entries : {options.send_entries, options.receive_entries}) {
    if (std::has_single_bit(entries) && entries <= queue_entries_max()) continue;
    return std::unexpected(Error::make(
        Code::kInvalidArgument, ErrorScope::kEndpoint,
        fmt::format("queue of {} entries: it must be a power of two; choose one up to {}", entries,
                    queue_entries_max())));
  }
  const std::uint32_t wanted = options.send_entries + options.receive_entries;
  const std::uint32_t taken = completions_max();
  if (wanted <= completion_entries_ - taken) return {};
  return std::unexpected(Error::make(
      Code::kLimitReached, ErrorScope::kEndpoint,
      fmt::format("queue pair of {} entries: {} of the NIC's {} completion entries are taken; "
                  "close queue pairs or use shorter queues",
                  wanted, taken, completion_entries_)));
}

std::expected<QueueTable::Queues, Error> QueueTable::make(const QueuePairOptions& options) {
  if (auto fits = check(options); !fits) return std::unexpected(std::move(fits.error()));
  auto memory = memory_.allocate(block_bytes(options));
  if (!memory) return std::unexpected(std::move(memory.error()));
  Queues queues{.ends = make_work_queues(options, *memory), .memory = *memory};
  queues.ends.application.options = options;
  queue_entries_ += queues.ends.application.capacity();
  return queues;
}

void QueueTable::add(Qpn qpn, const Queues& queues) {
  open_.emplace(qpn, Open{.queues = queues.ends.application, .memory = queues.memory});
}

void QueueTable::discard(const Queues& queues) {
  queue_entries_ -= queues.ends.application.capacity();
  memory_.release(queues.memory);
}

void QueueTable::give_back_rings(Qpn qpn) {
  auto found = open_.find(qpn);
  if (found == open_.end()) return;
  memory_.release(std::exchange(found->second.memory, {}));
}

WorkQueues* QueueTable::find_again(Qpn qpn) {
  auto found = open_.find(qpn);
  if (found == open_.end()) return nullptr;
  last_qpn_ = qpn;
  last_ = &found->second.queues;
  return last_;
}

void QueueTable::remove(Qpn qpn) {
  auto found = open_.find(qpn);
  if (found == open_.end()) return;
  const Open& closed = found->second;
  queue_entries_ -= closed.queues.capacity();
  orphaned_completions_ += closed.queues.outstanding();
  if (!closed.memory.empty()) memory_.release(closed.memory);
  open_.erase(found);
  last_qpn_ = 0;
  last_ = nullptr;
}

void QueueTable::on_completion(const proto::CompletionEntry& completion) {
  if (WorkQueues* queues = find(completion.qpn)) queues->on_completion(completion.opcode);
}

}  // namespace mapwire::nic_fw
