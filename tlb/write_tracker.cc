#include "mapwire/tlb/write_tracker.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace mapwire::tlb {
namespace {

// Names and numbers of Linux 6.7 (linux/userfaultfd.h, linux/fs.h), which the headers of older
// systems do not have.
constexpr std::uint64_t kWriteProtect = 1U << 0;
constexpr std::uint64_t kWriteProtectShared = 1U << 12;
constexpr std::uint64_t kWriteProtectUnpopulated = 1U << 13;
constexpr std::uint64_t kWriteProtectAsync = 1U << 15;

struct PageRegion {
  std::uint64_t start;
  std::uint64_t end;
  std::uint64_t categories;
};
constexpr std::uint64_t kPageIsWritten = 1U << 1;

struct ScanArguments {
  std::uint64_t size = sizeof(ScanArguments);
  std::uint64_t flags = 0;
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t walk_end = 0;  // out: how far it came
  std::uint64_t vec = 0;
  std::uint64_t vec_len = 0;
  std::uint64_t max_pages = 0;
  std::uint64_t category_inverted = 0;
  std::uint64_t category_mask = 0;
  std::uint64_t category_anyof_mask = 0;
  std::uint64_t return_mask = 0;
};
constexpr std::uint64_t kProtectMatching = 1U << 0;
constexpr std::uint64_t kRefuseUnwatched = 1U << 1;
constexpr unsigned long kPagemapScan = _IOWR('f', 16, ScanArguments);

// Of user mode only, which an unprivileged process may have: no fault comes to us.
UniqueFd open_fault() {
  UniqueFd fd{
      static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY))};
  uffdio_api api{.api = UFFD_API,
                 .features = kWriteProtect | kWriteProtectShared | kWriteProtectUnpopulated |
                             kWriteProtectAsync,
                 .ioctls = 0};
  if (fd && ::ioctl(fd.get(), UFFDIO_API, &api) != 0) return {};
  return fd;
}

bool watch(const UniqueFd& fault, const Range& range) {
  uffdio_register request{.range = {.start = range.begin, .len = range.bytes()},
                          .mode = UFFDIO_REGISTER_MODE_WP,
                          .ioctls = 0};
  return ::ioctl(fault.get(), UFFDIO_REGISTER, &request) == 0;
}

UniqueFd open_pagemap() { return UniqueFd{::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)}; }

void add(std::vector<Range>& ranges, const PageRegion& region) {
  if (!ranges.empty() && ranges.back().end == region.start) {
    ranges.back().end = region.end;
  } else {
    ranges.push_back({.begin = region.start, .end = region.end});
  }
}

}  // namespace

WriteTracker::WriteTracker(const Range& range) : range_{range} {
  UniqueFd fault = open_fault();
  if (!fault || !watch(fault, range)) return;
  pagemap_ = open_pagemap();
  if (pagemap_) fault_ = std::move(fault);
}

bool WriteTracker::scan(std::vector<Range>& stored) const {
  std::array<PageRegion, 64> found{};
  ScanArguments scan{.flags = kProtectMatching | kRefuseUnwatched,
                     .start = range_.begin,
                     .end = range_.end,
                     .vec = reinterpret_cast<std::uint64_t>(found.data()),
                     .vec_len = found.size(),
                     .category_mask = kPageIsWritten,
                     .return_mask = kPageIsWritten};
  for (; scan.start < scan.end; scan.start = scan.walk_end) {
    const int count = ::ioctl(pagemap_.get(), kPagemapScan, &scan);
    if (count < 0) return false;
    for (int i = 0; i < count; ++i) add(stored, found[static_cast<std::size_t>(i)]);
  }
  return true;
}

void WriteTracker::collect(std::vector<Range>& stored) {
  stored.clear();
  if (fault_ && scan(stored)) return;
  stop();
  stored.assign({range_});
}

void WriteTracker::stop() {
  fault_ = {};
  pagemap_ = {};
}

std::string obstacle_to_tracking() {
  if (!open_fault()) {
    return "userfaultfd: " + std::generic_category().message(errno) +
           "; asynchronous write protection wants Linux 6.7, and a seccomp profile that allows it";
  }
  if (!open_pagemap()) {
    return "/proc/self/pagemap: " + std::generic_category().message(errno) + "; mount /proc";
  }
  return {};
}

}  // namespace mapwire::tlb
