// Passive progress: the one thread of a context that runs the control plane, and serves the NIC
// while the application does not.
//
// The thread watches whether the application polls. While it does, the thread looks once per
// takeover time and leaves the NIC alone. If there was no poll for that long, it serves the NIC:
// it sleeps until a packet arrives or a deadline of the NIC is due. It steps back as soon as the
// application polls again.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <thread>

#include "mapwire/endpoints/detail/data_path.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire::detail {

// What is said goodbye to at the end of a context leaves at once or not at all.
inline constexpr std::chrono::seconds kGoodbye{1};

class HelperThread {
 public:
  // Errors: kSystemCall (no descriptor). `io` and `path` outlive it.
  static std::expected<std::unique_ptr<HelperThread>, Error> create(asio::io_context& io,
                                                                    DataPath& path,
                                                                    std::uint64_t takeover_ns);
  HelperThread(const HelperThread&) = delete;
  HelperThread& operator=(const HelperThread&) = delete;
  // Waits until the thread has ended; see stop().
  ~HelperThread();

  // On the thread itself: serves the NIC no more. The thread ends when the queue has run empty, or
  // after kGoodbye.
  void stop();

 private:
  HelperThread(asio::io_context& io, DataPath& path, std::uint64_t takeover_ns, int nic_fd,
               int wake_fd);

  void run();
  // The two ways to wait. Each ends the wait before.
  void watch_application();
  void watch_nic(std::uint64_t deadline_ns);
  void on_tick();
  void on_nic_work();
  void serve();
  void await_wake();
  void await_reaping();
  void drop_waits();

  asio::io_context& io_;
  DataPath& path_;
  const std::uint64_t takeover_ns_;
  UniqueFd nic_fd_;  // a copy: the event loop lets go of it and takes it again
  asio::steady_timer timer_;
  asio::posix::stream_descriptor nic_events_;
  asio::posix::stream_descriptor wake_;  // written by the application's threads
  asio::posix::stream_descriptor reap_;  // a copy of DataPath::reap_fd(), if there is one
  std::uint64_t polls_seen_ = 0;
  std::uint64_t wait_ = 0;  // number of the wait that counts; handlers of earlier ones do nothing
  bool overdue_ = false;    // the application was given its time for a packet and did not poll
  bool stopped_ = false;
  std::jthread thread_;
};

}  // namespace mapwire::detail
