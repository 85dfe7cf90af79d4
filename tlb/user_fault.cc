#include "mapwire/tlb/user_fault.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <expected>
#include <optional>

namespace mapwire::tlb {
namespace {

uffdio_range to_kernel(const Range& range) { return {.start = range.begin, .len = range.bytes()}; }

Range to_range(std::uint64_t begin, std::uint64_t end) { return {.begin = begin, .end = end}; }

std::unexpected<Error> refused(int failure) {
  const bool forbidden = failure == EPERM || failure == EACCES;
  return std::unexpected(Error::from_errno(
      forbidden ? Code::kPermission : Code::kSystemCall, ErrorScope::kProcess, failure,
      "userfaultfd", "use Linux 5.15 or later, and let the container's seccomp profile allow it"));
}

Change to_change(const uffd_msg& message) {
  if (message.event == UFFD_EVENT_REMAP) {
    const auto& remap = message.arg.remap;
    return {.kind = Change::Kind::kMoved,
            .range = to_range(remap.from, remap.from + remap.len),
            .target = to_range(remap.to, remap.to + remap.len)};
  }
  const auto& remove = message.arg.remove;
  return {
      .kind = message.event == UFFD_EVENT_REMOVE ? Change::Kind::kRemoved : Change::Kind::kUnmapped,
      .range = to_range(remove.start, remove.end)};
}

}  // namespace

std::expected<UserFault, Error> UserFault::open() {
  // Of user mode only: what an unprivileged process may have, and all that is wanted.
  UniqueFd fd{
      static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY))};
  if (!fd) return refused(errno);
  uffdio_api api{.api = UFFD_API,
                 .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_EVENT_UNMAP |
                             UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE,
                 .ioctls = 0};
  if (::ioctl(fd.get(), UFFDIO_API, &api) != 0) return refused(errno);
  return UserFault{std::move(fd)};
}

int UserFault::watch(const Range& range) const {
  // Write protection that is never switched on: no fault comes of it, but the changes do.
  uffdio_register request{.range = to_kernel(range), .mode = UFFDIO_REGISTER_MODE_WP, .ioctls = 0};
  return ::ioctl(fd_.get(), UFFDIO_REGISTER, &request) == 0 ? 0 : errno;
}

void UserFault::unwatch(const Range& range) const {
  uffdio_range request = to_kernel(range);
  ::ioctl(fd_.get(), UFFDIO_UNREGISTER, &request);
}

// On private anonymous memory this request always fails, and the order of the kernel's checks in
// mm/userfaultfd.c (mfill_atomic) makes its error an answer: first whether a change is under way,
// then whether the range lies in one watched mapping, then of what kind that is.
Probe UserFault::probe(const Range& range) const {
  uffdio_continue request{
      .range = to_kernel(range), .mode = UFFDIO_CONTINUE_MODE_DONTWAKE, .mapped = 0};
  if (::ioctl(fd_.get(), UFFDIO_CONTINUE, &request) == 0) return Probe::kUnwatched;
  if (errno == EINVAL) return Probe::kWatched;
  return errno == EAGAIN ? Probe::kChanging : Probe::kUnwatched;
}

std::optional<Change> UserFault::read_change() const {
  uffd_msg message{};
  if (::read(fd_.get(), &message, sizeof(message)) != sizeof(message)) return std::nullopt;
  return to_change(message);
}

}  // namespace mapwire::tlb
