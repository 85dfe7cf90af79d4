// The server of --local: another process, so that the two ends share nothing but the wire.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>

#include "mapwire/runtime/error.h"
#include "tools/test_options.h"

namespace mapwire::tools {

// Ends when the handle or the process that made it dies.
class LocalServer {
 public:
  // Starts it on `processor`, on a free port of options.bind_address, and waits until it listens.
  // Precondition: this process has one thread. Errors: kSystemCall; what the server met, which it
  // has told on stderr.
  static std::expected<LocalServer, Error> start(const TestOptions& options,
                                                 std::optional<int> processor);
  LocalServer(LocalServer&& other) noexcept;
  LocalServer& operator=(LocalServer&&) = delete;
  ~LocalServer();

  std::uint16_t port() const { return port_; }

  // Stops it where it stands, so that its CPU is free when this returns, until resume().
  // Errors: kPeerDead (it has ended).
  std::expected<void, Error> pause();
  void resume();

 private:
  LocalServer(pid_t child, std::uint16_t port) : child_{child}, port_{port} {}
  pid_t child_;
  std::uint16_t port_;
};

}  // namespace mapwire::tools
