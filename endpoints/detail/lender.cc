#include "mapwire/endpoints/detail/lender.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <utility>

#include "mapwire/tlb/range.h"

namespace mapwire::detail {
namespace {

// Of a buffer that has room as a whole, a few leases are all of it. Of a larger one no more is
// pinned than is accessed: memory that nobody has touched is filled when it is pinned.
constexpr std::uint64_t kLeasesOfSmallBuffer = 32;

std::uint64_t pages_of(std::span<const std::byte> memory) {
  const auto pages = tlb::pages_of(memory);
  return pages ? pages->bytes() : 0;
}

}  // namespace

Lender::Lender(NicMemory& memory, PathCounters& counters, const Hooks& hooks)
    : memory_{memory},
      counters_{counters},
      hooks_{hooks},
      share_{memory.tlb() == nullptr ? 0 : memory.tlb()->limits().bytes / 2} {}

// Rounded to blocks an access may touch two more.
std::optional<LeaseBytes> Lender::lease_bytes(std::uint64_t buffer_bytes) const {
  if (share_ < 4 * tlb::kPageBytes) return std::nullopt;
  LeaseBytes bytes{.least = tlb::kPageBytes};
  if (buffer_bytes <= share_ / 2) {
    bytes.least = std::max(bytes.least, std::bit_ceil(buffer_bytes / kLeasesOfSmallBuffer));
  }
  bytes.most = share_ - 2 * bytes.least;
  return bytes;
}

void Lender::admit(EndpointId importer, std::shared_ptr<const LentMemory> lent,
                   std::uint64_t deadline_ns) {
  importers_[importer] = {.lent = std::move(lent), .deadline_ns = deadline_ns};
  set_share_aside();
}

// Or two processes that access memory of one another could pin all they may, and each wait for the
// other to lease.
void Lender::set_share_aside() {
  memory_.tlb()->set_aside(importers_.empty() ? 0 : share_ - leased_);
}

bool Lender::on_message(EndpointId importer, const LeaseMessage& message, std::uint64_t now_ns) {
  if (message.act == LeaseAct::kWanted) return on_wanted(importer, message.range, now_ns);
  return message.act == LeaseAct::kReturned && on_returned(importer, message.rkey, now_ns);
}

bool Lender::on_wanted(EndpointId importer, const LeaseRange& range, std::uint64_t now_ns) {
  const auto known = importers_.find(importer);
  if (known == importers_.end()) return false;
  const LentMemory& lent = *known->second.lent;
  const bool waits = std::ranges::any_of(
      requests_, [&](const Request& request) { return request.importer == importer; });
  if (waits || range.bytes == 0 || range.bytes > share_ || range.offset > lent.memory.size() ||
      range.bytes > lent.memory.size() - range.offset) {
    return false;
  }
  requests_.push_back({.importer = importer,
                       .memory = lent.memory.subspan(range.offset, range.bytes),
                       .since_ns = now_ns});
  serve(now_ns);
  if (!requests_.empty()) hooks_.wait();
  return true;
}

bool Lender::on_returned(EndpointId importer, std::uint32_t rkey, std::uint64_t now_ns) {
  const auto is_it = [&](const Lease& lease) {
    return lease.importer == importer && lease.keys.rkey == rkey;
  };
  if (std::ranges::none_of(leases_, is_it)) return false;
  drop(is_it);
  serve(now_ns);
  return true;
}

void Lender::forget(EndpointId importer) {
  if (importers_.erase(importer) == 0) return;
  std::erase_if(requests_, [&](const Request& request) { return request.importer == importer; });
  drop([&](const Lease& lease) { return lease.importer == importer; });
}

void Lender::end(LentMemory& lent) {
  lent.ended = true;
  drop([&](const Lease& lease) { return lease.lent.get() == &lent; });
}

// Unpins them, which ends their keys before their importers may know.
template <class Predicate>
void Lender::drop(Predicate predicate) {
  std::erase_if(leases_, [&](const Lease& lease) {
    if (!predicate(lease)) return false;
    memory_.deregister_memory(lease.keys.lkey);
    leased_ -= lease.bytes;
    if (lease.recalled_ns) recalled_ -= lease.bytes;
    return true;
  });
  set_share_aside();
}

void Lender::serve(std::uint64_t now_ns) {
  while (!requests_.empty()) {
    const Request request = requests_.front();
    const Code code = grant(request);
    if (code == Code::kWouldBlock) return make_room(pages_of(request.memory), now_ns);
    requests_.pop_front();
    if (code != Code::kOk) refuse(request, code);
  }
}

// kWouldBlock: there is no room now.
Code Lender::grant(const Request& request) {
  const Importer& importer = importers_.at(request.importer);
  if (importer.lent->ended) return Code::kPeerClosed;
  const std::uint64_t bytes = pages_of(request.memory);
  if (bytes > share_ - leased_) return leased_ == 0 ? Code::kLimitReached : Code::kWouldBlock;
  const auto keys = memory_.register_memory(request.memory, importer.lent->access);
  if (!keys) {
    const Code code = keys.error().code;
    const bool full = code == Code::kLimitReached || code == Code::kOutOfMemory;
    return full ? Code::kWouldBlock : Code::kRemoteAccess;
  }
  leases_.push_back({.importer = request.importer,
                     .lent = importer.lent,
                     .keys = *keys,
                     .bytes = bytes,
                     .recalled_ns = {}});
  leased_ += bytes;
  set_share_aside();
  counters_.leases_granted.add();
  hooks_.tell(request.importer, {.act = LeaseAct::kGranted, .rkey = keys->rkey});
  return Code::kOk;
}

// Of the share, as far as what was recalled before is not enough; or, if others hold what may be
// pinned, one by one.
void Lender::make_room(std::uint64_t bytes, std::uint64_t now_ns) {
  while (bytes > share_ - leased_ + recalled_ && recall_oldest(now_ns)) {
  }
  if (recalled_ == 0) recall_oldest(now_ns);
}

bool Lender::recall_oldest(std::uint64_t now_ns) {
  const auto oldest =
      std::ranges::find_if(leases_, [](const Lease& lease) { return !lease.recalled_ns; });
  if (oldest == leases_.end()) return false;
  oldest->recalled_ns = now_ns;
  recalled_ += oldest->bytes;
  counters_.leases_recalled.add();
  hooks_.tell(oldest->importer, {.act = LeaseAct::kRecalled, .rkey = oldest->keys.rkey});
  return true;
}

void Lender::refuse(const Request& request, Code code) {
  hooks_.tell(request.importer, {.act = LeaseAct::kRefused, .code = code});
}

std::optional<EndpointId> Lender::overdue(std::uint64_t now_ns) const {
  const auto late = std::ranges::find_if(leases_, [&](const Lease& lease) {
    return lease.recalled_ns &&
           now_ns - *lease.recalled_ns > importers_.at(lease.importer).deadline_ns;
  });
  if (late == leases_.end()) return std::nullopt;
  return late->importer;
}

// What the importer does not get in its time it is refused: room may never come.
bool Lender::progress(std::uint64_t now_ns) {
  serve(now_ns);
  while (!requests_.empty()) {
    const Request request = requests_.front();
    if (now_ns - request.since_ns <= importers_.at(request.importer).deadline_ns) break;
    requests_.pop_front();
    refuse(request, Code::kLimitReached);
    serve(now_ns);
  }
  return !requests_.empty();
}

}  // namespace mapwire::detail
