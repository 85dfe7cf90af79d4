#include "mapwire/tlb/self_test.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>

#include <cstdint>
#include <expected>
#include <string_view>
#include <thread>

namespace mapwire::tlb {
namespace {

constexpr int kPatienceMs = 1000;

std::unexpected<Error> wrong(std::string_view what) {
  return std::unexpected(
      Error::make(Code::kSystemCall, ErrorScope::kProcess,
                  fmt::format("userfaultfd: the kernel {}; use Linux 5.15 or later", what)));
}

bool readable_soon(const UserFault& fault) {
  pollfd wait{.fd = fault.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, kPatienceMs) == 1;
}

// While nobody has read that a page goes.
bool tells_of_changes(const UserFault& fault, const Range& watched, const Range& going) {
  std::thread unmapper{[going] { ::munmap(going.memory().data(), going.bytes()); }};
  const bool told = readable_soon(fault);
  const Probe before = fault.probe(watched);
  const auto change = fault.read_change();
  unmapper.join();
  return told && before == Probe::kChanging && change && change->kind == Change::Kind::kUnmapped &&
         change->range == going;
}

}  // namespace

std::expected<void, Error> self_test(const UserFault& fault) {
  // Not of one piece, as it is unmapped in pieces: a page that is watched, one that goes, one that
  // is not watched.
  void* const pages =
      ::mmap(nullptr, 3 * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return wrong("has no three pages left");
  const auto begin = reinterpret_cast<std::uintptr_t>(pages);
  const Range watched{.begin = begin, .end = begin + kPageBytes};
  const Range going{.begin = watched.end, .end = watched.end + kPageBytes};
  const Range plain{.begin = going.end, .end = going.end + kPageBytes};
  std::expected<void, Error> outcome;
  bool gone = false;
  if (fault.watch(watched) != 0 || fault.watch(going) != 0) {
    outcome = wrong("does not watch anonymous memory");
  } else if (fault.probe(watched) != Probe::kWatched || fault.probe(plain) != Probe::kUnwatched) {
    outcome = wrong("does not tell watched memory from other");
  } else {
    gone = true;
    if (!tells_of_changes(fault, watched, going)) outcome = wrong("does not tell of changes");
  }
  fault.unwatch(watched);
  if (!gone) fault.unwatch(going);
  if (!gone) ::munmap(going.memory().data(), going.bytes());
  ::munmap(watched.memory().data(), watched.bytes());
  ::munmap(plain.memory().data(), plain.bytes());
  return outcome;
}

}  // namespace mapwire::tlb
