// The monitor thread: reads what the kernel tells of watched memory and ends the slots concerned.
//
// Every thread that unmaps watched memory waits for this one. So nothing here allocates, frees,
// locks, logs or calls what may do so.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>

#include "mapwire/tlb/address_watch.h"

namespace mapwire::tlb {
namespace {

// How long it looks for an instant without changes, while one is wanted, and rests before it looks
// again. Who discards memory may unmap it soon after: the instant is short.
constexpr int kSettleTries = 200;
constexpr int kSettleMs = 1;

void sleep_ns(std::uint64_t duration_ns) {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  const timespec duration{.tv_sec = static_cast<time_t>(duration_ns / kSecondNs),
                          .tv_nsec = static_cast<long>(duration_ns % kSecondNs)};
  ::nanosleep(&duration, nullptr);
}

}  // namespace

void AddressWatch::monitor() {
  std::array<pollfd, kLanes> waits{};
  for (std::size_t i = 0; i < kLanes; ++i) {
    waits[i] = {.fd = lanes_[i]->fault.fd(), .events = POLLIN, .revents = 0};
  }
  for (;;) {
    const int timeout_ms = settle() ? -1 : kSettleMs;
    if (::poll(waits.data(), waits.size(), timeout_ms) <= 0) continue;
    for (std::size_t i = 0; i < kLanes; ++i) {
      if (waits[i].revents != 0) serve(*lanes_[i]);
    }
  }
}

// Whether no quarantine is left that wants an instant without changes.
bool AddressWatch::settle() {
  bool settled = true;
  for (const auto& lane : lanes_) {
    if (!lane->quarantine.unsettled()) continue;
    bool changing = true;
    for (int i = 0; i < kSettleTries && changing; ++i) {
      changing = lane->fault.probe(lane->steady()) != Probe::kWatched;
    }
    if (!changing) lane->quarantine.settle();
    settled &= !changing;
  }
  return settled;
}

void AddressWatch::serve(Lane& lane) {
  if (const auto delay_ns = monitor_delay_ns_.load(); delay_ns != 0) sleep_ns(delay_ns);
  lane.pending = true;
  const std::uint64_t deaths_before = deaths_;
  while (const auto change = lane.fault.read_change()) apply(lane, *change);
  lane.pending = false;
  if (deaths_ == deaths_before) return;
  const std::uint64_t one = 1;
  for (const Subscriber& subscriber : subscribers_) {
    if (!subscriber.taken) continue;
    [[maybe_unused]] const auto written = ::write(subscriber.fd, &one, sizeof(one));
  }
}

// Memory that was moved is watched at its new place too, where nobody asked for it, and stays so:
// if it grew on the way, only the part that there was before is told, and ending the watch of a
// part would split the program's mapping.
void AddressWatch::apply(Lane& lane, const Change& change) {
  switch (change.kind) {
    case Change::Kind::kUnmapped: lane.quarantine.lift(change.range); break;
    case Change::Kind::kMoved:
      lane.quarantine.lift(change.range);
      kill(change.target);
      break;
    case Change::Kind::kRemoved:
      lane.quarantine.add(change.range);
      ++quarantined_;
      break;
  }
  kill(change.range);
}

void AddressWatch::kill(const Range& range) {
  slots_.for_each_overlap(range, [this](SlotId id) {
    if (slots_.kill(id)) ++deaths_;
  });
}

}  // namespace mapwire::tlb
