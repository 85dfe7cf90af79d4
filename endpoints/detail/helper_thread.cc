#include "mapwire/endpoints/detail/helper_thread.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <asio/error_code.hpp>
#include <asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <system_error>

#include "mapwire/endpoints/detail/coroutine.h"

namespace mapwire::detail {

std::expected<std::unique_ptr<HelperThread>, Error> HelperThread::create(
    asio::io_context& io, DataPath& path, std::uint64_t takeover_ns) {
  // A copy: the NIC may be gone before the thread.
  const int nic_fd = fcntl(path.nic()->event_fd(), F_DUPFD_CLOEXEC, 0);
  const int wake_fd = nic_fd < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    const int failure = errno;
    if (nic_fd >= 0) close(nic_fd);
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kProcess, failure,
                                             "descriptors of the helper thread",
                                             "raise the limit on open files (ulimit -n)"));
  }
  try {
    return std::unique_ptr<HelperThread>{new HelperThread{io, path, takeover_ns, nic_fd, wake_fd}};
  } catch (const std::system_error& failure) {  // its members have closed the descriptors
    path.wake_helper = nullptr;
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kProcess,
                                             failure.code().value(), "helper thread",
                                             "raise the limit on threads (ulimit -u)"));
  }
}

HelperThread::HelperThread(asio::io_context& io, DataPath& path, std::uint64_t takeover_ns,
                           int nic_fd, int wake_fd)
    : io_{io},
      path_{path},
      takeover_ns_{takeover_ns},
      nic_fd_{nic_fd},
      timer_{io},
      nic_events_{io},
      wake_{io, wake_fd},
      reap_{io} {
  path_.wake_helper = [fd = wake_fd] {
    const std::uint64_t one = 1;
    // A full counter is a wake-up as well.
    [[maybe_unused]] const auto written = write(fd, &one, sizeof(one));
  };
  await_wake();
  if (const int fd = path_.reap_fd() < 0 ? -1 : fcntl(path_.reap_fd(), F_DUPFD_CLOEXEC, 0);
      fd >= 0) {
    reap_.assign(fd);
    await_reaping();
  }
  watch_application();
  thread_ = std::jthread{[this] { run(); }};
}

HelperThread::~HelperThread() { thread_.join(); }

void HelperThread::run() {
  while (!stopped_) io_.run_one();
  io_.run_for(kGoodbye);
}

void HelperThread::stop() {
  stopped_ = true;
  drop_waits();
  wake_.cancel();
  if (reap_.is_open()) reap_.cancel();
}

void HelperThread::await_wake() {
  wake_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code&) {
    if (stopped_) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = read(wake_.native_handle(), &count, sizeof(count));
    await_wake();
    watch_application();
  });
}

// However busy the application is: what it unmapped is to be unpinned, also if it polls no more.
void HelperThread::await_reaping() {
  reap_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code&) {
    if (stopped_) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = read(reap_.native_handle(), &count, sizeof(count));
    path_.reap();
    await_reaping();
  });
}

void HelperThread::drop_waits() {
  ++wait_;
  timer_.cancel();
  // Out of the event loop: packets must not wake this thread while the application serves them.
  if (nic_events_.is_open()) nic_events_.release();
}

void HelperThread::watch_application() {
  drop_waits();
  timer_.expires_after(std::chrono::nanoseconds{takeover_ns_});
  timer_.async_wait([this, wait = wait_](const asio::error_code&) {
    if (wait == wait_) on_tick();
  });
}

void HelperThread::on_tick() {
  const std::uint64_t polls = path_.polls();
  if (polls != polls_seen_) {
    polls_seen_ = polls;
    overdue_ = false;
    watch_application();
  } else {
    serve();
  }
}

void HelperThread::serve() {
  const auto deadline_ns = path_.serve_for_absent(polls_seen_);
  if (deadline_ns) {
    watch_nic(*deadline_ns);
  } else {
    watch_application();
  }
}

void HelperThread::watch_nic(std::uint64_t deadline_ns) {
  ++wait_;
  const auto on_work = [this, wait = wait_](const asio::error_code&) {
    if (wait == wait_) on_nic_work();
  };
  if (nic_events_.is_open()) {
    nic_events_.cancel();
  } else {
    nic_events_.assign(nic_fd_.get());
  }
  nic_events_.async_wait(asio::posix::stream_descriptor::wait_read, on_work);
  if (deadline_ns == UINT64_MAX) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(to_time_point(deadline_ns));
  timer_.async_wait(on_work);
}

// A thread of the application that sleeps wakes for the same packet: it gets its time before we
// serve in its place.
void HelperThread::on_nic_work() {
  if (path_.polls() == polls_seen_ && !overdue_ && path_.attended()) {
    overdue_ = true;
    watch_application();
  } else {
    serve();
  }
}

}  // namespace mapwire::detail
