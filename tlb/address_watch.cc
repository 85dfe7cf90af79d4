#include "mapwire/tlb/address_watch.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "mapwire/tlb/self_test.h"

namespace mapwire::tlb {
namespace {

// Each range watched may cost a mapping on either side of it: a share of what the process may have.
std::size_t slots_max() {
  constexpr std::size_t kShare = 8;
  constexpr std::size_t kSlotsMax = 8192;
  std::size_t mappings_max = 65'530;  // the kernel's default
  if (std::FILE* file = std::fopen("/proc/sys/vm/max_map_count", "re"); file != nullptr) {
    if (std::fscanf(file, "%zu", &mappings_max) != 1)
      mappings_max = 65'530;  // NOLINT(cert-err34-c)
    std::fclose(file);
  }
  return std::min(kSlotsMax, mappings_max / kShare);
}

// In this thread, and those that it makes, while this lives.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

// Neighbours are watched through one descriptor, so that a buffer rarely lies in two.
std::uint32_t lane_of_address(std::uintptr_t begin, std::size_t lanes) {
  constexpr unsigned kNeighbourhoodBits = 26;
  return static_cast<std::uint32_t>((begin >> kNeighbourhoodBits) % lanes);
}

// Whether `mapping` is one mapping that is watched, whole: it has not grown either.
bool is_whole(const UserFault& fault, const Range& mapping) {
  const Range longer_below{.begin = mapping.begin - kPageBytes, .end = mapping.end};
  const Range longer_above{.begin = mapping.begin, .end = mapping.end + kPageBytes};
  return fault.probe(mapping) == Probe::kWatched && fault.probe(longer_below) != Probe::kWatched &&
         fault.probe(longer_above) != Probe::kWatched;
}

}  // namespace

std::expected<AddressWatch*, Error> AddressWatch::get() {
  static std::mutex mutex;
  static AddressWatch* of_process = nullptr;
  const std::lock_guard guard{mutex};
  if (of_process != nullptr && !of_process->in_child()) return of_process;
  const auto watch = create();
  if (watch) of_process = *watch;
  return watch;
}

std::expected<AddressWatch*, Error> AddressWatch::create() {
  std::array<std::optional<UserFault>, kLanes> faults;
  for (auto& fault : faults) {
    auto opened = UserFault::open();
    if (!opened) return std::unexpected(opened.error());
    fault = std::move(*opened);
  }
  if (auto tested = self_test(*faults.front()); !tested) return std::unexpected(tested.error());
  try {
    return new AddressWatch{std::move(faults)};
  } catch (const std::system_error& failure) {
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kProcess,
                                             failure.code().value(), "monitor thread of the TLB",
                                             "raise the limit on threads (ulimit -u)"));
  }
}

AddressWatch::Lane::Lane(UserFault watch) : fault{std::move(watch)} { fault.watch(steady()); }

AddressWatch::AddressWatch(std::array<std::optional<UserFault>, kLanes> faults)
    : page_{kPageBytes}, parents_{page_.bytes().data()}, slots_{slots_max()} {
  ::madvise(parents_, kPageBytes, MADV_WIPEONFORK);
  *parents_ = std::byte{1};
  std::ranges::transform(faults, lanes_.begin(), [](std::optional<UserFault>& fault) {
    return std::make_unique<Lane>(std::move(*fault));
  });
  // A handler of the application's that changed watched memory would wait for the thread it is on.
  const SignalsBlocked blocked;
  std::thread{[this] { monitor(); }}.detach();
}

std::optional<SlotId> AddressWatch::add(const Range& range, const Range& mapping) {
  if (in_child()) return std::nullopt;
  const std::lock_guard guard{mutex_};
  const auto first = lane_of_address(mapping.begin, kLanes);
  for (std::uint32_t step = 0; step < kLanes; ++step) {
    const auto lane = static_cast<std::uint32_t>((first + step) % kLanes);
    const auto id = add_in(lane, range, mapping);
    if (id || quarantined(range)) return id;
  }
  return std::nullopt;
}

std::optional<SlotId> AddressWatch::add_in(std::uint32_t lane, const Range& range,
                                           const Range& mapping) {
  if (watched_elsewhere(mapping, lane)) return std::nullopt;
  const auto id = slots_.take(range, mapping, lane);
  if (!id) {
    slots_full_ = true;
    return std::nullopt;
  }
  // After the slot is there: a discarding that is told from now on ends the slot.
  const bool held = quarantined(range);
  // Watched all the same: only its unmapping ends a quarantine.
  if (watch_rest(mapping, lane) && !held) return id;
  slots_.free(*id);
  return std::nullopt;
}

bool AddressWatch::quarantined(const Range& range) const {
  return std::ranges::any_of(
      lanes_, [&](const std::unique_ptr<Lane>& lane) { return lane->quarantine.holds(range); });
}

// A slot hears only of what is watched in its own lane, and the probe would not tell.
bool AddressWatch::watched_elsewhere(const Range& mapping, std::uint32_t lane) const {
  bool elsewhere = false;
  slots_.for_each_overlap(mapping, [&](SlotId id) { elsewhere |= slots_.lane(id) != lane; });
  return elsewhere;
}

// What valid slots say to be watched is not asked for again: if it is not (the kernel tells nothing
// of a mapping replaced by shmat(2) with SHM_REMAP), doing so would hide it from their probes.
bool AddressWatch::watch_rest(const Range& mapping, std::uint32_t lane) {
  const UserFault& fault = lanes_[lane]->fault;
  std::vector<Range> watched;
  slots_.for_each_overlap(mapping, [&](SlotId id) {
    if (slots_.state(id) == SlotState::kValid) watched.push_back(slots_.range(id));
  });
  if (!watched.empty() && fault.probe(mapping) == Probe::kWatched) return true;
  std::ranges::sort(watched, {}, &Range::begin);
  watched.push_back({.begin = mapping.end, .end = mapping.end});
  std::uintptr_t reached = mapping.begin;
  for (const Range& part : watched) {
    const Range gap{.begin = reached, .end = part.begin};
    if (gap.begin < gap.end && fault.watch(gap) != 0) return false;
    reached = std::max(reached, part.end);
  }
  return true;
}

bool AddressWatch::confirm(SlotId id) {
  const Lane& lane = lane_of(id);
  const Range range = slots_.range(id);
  const Probe probe = lane.fault.probe(range);
  if (probe == Probe::kUnwatched) drop_unwatched(range);
  return probe == Probe::kWatched && !lane.pending && slots_.confirm(id);
}

void AddressWatch::drop_unwatched(const Range& range) {
  const std::lock_guard guard{mutex_};
  slots_.for_each_overlap(range, [this](SlotId id) {
    if (slots_.state(id) != SlotState::kValid) return;
    const Probe probe = lane_of(id).fault.probe(slots_.range(id));
    if (probe == Probe::kUnwatched && slots_.kill(id)) ++deaths_;
  });
}

AddressWatch::Verdict AddressWatch::verify(SlotId id, const Range& part) const {
  if (in_child()) return Verdict::kChanged;
  const Lane& lane = lane_of(id);
  const Probe probe = lane.fault.probe(part);
  if (probe == Probe::kUnwatched) return Verdict::kChanged;
  if (probe == Probe::kChanging || lane.pending) return Verdict::kChanging;
  return slots_.state(id) == SlotState::kValid ? Verdict::kSame : Verdict::kChanged;
}

// What stays watched costs its owner some time when it is unmapped; so it is given up, unless
// others watch a part, or the mapping is not the one that was watched: ending the watch of a part
// would split it, and mremap(2) refuses what is split.
void AddressWatch::remove(SlotId id) {
  const std::lock_guard guard{mutex_};
  const Range mapping = slots_.mapping(id);
  const bool same = slots_.kill(id) && !in_child();
  bool wanted = quarantined(mapping);
  slots_.for_each_overlap(mapping, [&](SlotId) { wanted = true; });
  const UserFault& fault = lane_of(id).fault;
  if (same && !wanted && is_whole(fault, mapping)) fault.unwatch(mapping);
  slots_.free(id);
  slots_full_ = false;
}

int AddressWatch::subscribe() {
  const std::lock_guard guard{mutex_};
  const auto place =
      std::ranges::find_if(subscribers_, [](const Subscriber& one) { return !one.taken; });
  if (place == subscribers_.end()) return -1;
  if (place->fd < 0) place->fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  place->taken = place->fd >= 0;
  return place->fd;
}

void AddressWatch::unsubscribe(int fd) {
  const std::lock_guard guard{mutex_};
  for (Subscriber& one : subscribers_) {
    if (one.fd == fd) one.taken = false;
  }
}

}  // namespace mapwire::tlb
