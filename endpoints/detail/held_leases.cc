#include "mapwire/endpoints/detail/held_leases.h"

#include <algorithm>
#include <span>

namespace mapwire::detail {
namespace {

std::uint64_t bytes_of(const proto::SendDescriptor& access) {
  std::uint64_t bytes = 0;
  for (const auto& element : std::span{access.sge}.first(access.sge_count)) bytes += element.bytes;
  return bytes;
}

}  // namespace

HeldLeases::HeldLeases(const WindowTerms& terms, std::size_t accesses)
    : address_{terms.memory.address},
      buffer_bytes_{terms.memory.bytes},
      bytes_{*terms.leased},
      leases_(kHeldLeasesMax),
      accesses_(accesses) {}

bool HeldLeases::add(const proto::SendDescriptor& access) {
  const std::uint64_t bytes = bytes_of(access);
  if (bytes > bytes_.most) return false;
  at(next_++) = {.descriptor = access, .bytes = bytes};
  return true;
}

HeldLeases::Lease* HeldLeases::find(std::uint64_t address, std::uint64_t bytes) {
  if (recent_->covers(address, bytes)) return recent_;
  const auto found = std::ranges::find_if(
      leases_, [&](const Lease& lease) { return lease.covers(address, bytes); });
  if (found == leases_.end()) return nullptr;
  return recent_ = &*found;
}

HeldLeases::Lease* HeldLeases::free_one() {
  const auto found = std::ranges::find_if(leases_, &Lease::free);
  return found == leases_.end() ? nullptr : &*found;
}

// Without bytes it needs no key.
const proto::SendDescriptor* HeldLeases::ready() {
  if (waiting_ == next_ || refused_) return nullptr;
  Access& access = at(waiting_);
  if (access.bytes == 0) return &access.descriptor;
  access.lease = find(access.descriptor.remote_address, access.bytes);
  if (access.lease == nullptr) return nullptr;
  access.descriptor.rkey = access.lease->rkey;
  return &access.descriptor;
}

void HeldLeases::on_posted() {
  const Access& posted = at(waiting_++);
  if (posted.lease == nullptr) return;
  ++posted.lease->uses;
  posted.lease->used = ++clock_;
}

void HeldLeases::on_completed() {
  const Access& completed = at(oldest_++);
  if (completed.lease != nullptr) --completed.lease->uses;
}

const HeldLeases::Access* HeldLeases::in_want() {
  if (waiting_ == next_ || wanted_ || refused_) return nullptr;
  const Access& access = at(waiting_);
  if (access.bytes == 0 || find(access.descriptor.remote_address, access.bytes) != nullptr) {
    return nullptr;
  }
  return &access;
}

// Blocks of the least size that hold it; and twice the lease before, if it goes on where that ends.
// If that was refused, which may be because of the memory beside it, no more than the access.
LeaseRange HeldLeases::range_for(const Access& access) const {
  const std::uint64_t offset = access.descriptor.remote_address - address_;
  if (exact_) return {.offset = offset, .bytes = access.bytes};
  const std::uint64_t begin = offset / bytes_.least * bytes_.least;
  const std::uint64_t blocks = (offset + access.bytes - begin + bytes_.least - 1) / bytes_.least;
  std::uint64_t bytes = blocks * bytes_.least;
  const auto before = std::ranges::find_if(
      leases_, [&](const Lease& lease) { return !lease.free() && lease.end == address_ + begin; });
  if (before != leases_.end()) {
    const std::uint64_t grown = 2 * (before->end - before->begin);
    bytes = std::max(bytes, std::min({grown, bytes_.most, kGrownLeaseBytesMax}));
  }
  return {.offset = begin, .bytes = std::min(bytes, buffer_bytes_ - begin)};
}

std::optional<LeaseRange> HeldLeases::want(std::uint64_t now_ns) {
  const Access* const access = in_want();
  if (access == nullptr || free_one() == nullptr) return std::nullopt;
  wanted_ = {.range = range_for(*access), .since_ns = now_ns};
  return wanted_->range;
}

std::optional<std::uint64_t> HeldLeases::wanted_since_ns() const {
  if (!wanted_) return std::nullopt;
  return wanted_->since_ns;
}

std::optional<std::uint32_t> HeldLeases::give_back() {
  const bool room = in_want() == nullptr || free_one() != nullptr;
  Lease* oldest = nullptr;
  for (Lease& lease : leases_) {
    if (lease.free() || lease.uses != 0 || (room && !lease.recalled)) continue;
    if (oldest == nullptr || lease.used < oldest->used) oldest = &lease;
  }
  if (oldest == nullptr) return std::nullopt;
  const std::uint32_t rkey = oldest->rkey;
  *oldest = {};
  return rkey;
}

bool HeldLeases::on_granted(std::uint32_t rkey) {
  if (!wanted_) return false;
  const LeaseRange range = wanted_->range;
  wanted_.reset();
  exact_ = false;
  *free_one() = {.begin = address_ + range.offset,
                 .end = address_ + range.offset + range.bytes,
                 .used = ++clock_,
                 .rkey = rkey};
  return true;
}

bool HeldLeases::on_refused(Code code) {
  if (!wanted_) return false;
  if (exact_ || code != Code::kRemoteAccess) refused_ = code;
  exact_ = true;
  wanted_.reset();
  return true;
}

void HeldLeases::on_recalled(std::uint32_t rkey) {
  for (Lease& lease : leases_) {
    if (!lease.free() && lease.rkey == rkey) lease.recalled = true;
  }
}

}  // namespace mapwire::detail
