// Accepts connections.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "mapwire/endpoints/endpoint.h"
#include "mapwire/runtime/error.h"

namespace mapwire {

struct ListenOptions {
  // "host", "host:port", "[v6]:port", ":port". Empty host: loopback, IPv4 and IPv6
  // (docs/security.md);
  // "[::]" both wildcards; "0.0.0.0" the IPv4 wildcard. Port 0: the system chooses.
  // "rdma://" in front of it: for peers of any make, by rdma_cm (docs/foreign_peers.md).
  std::string address{};
  EndpointOptions endpoint{};  // of accepted endpoints; the profile is the connecting side's
};

inline constexpr std::uint16_t kDefaultPort = 18515;  // perftest's

class Listener {
 public:
  class Impl;
  explicit Listener(std::shared_ptr<Impl> impl);
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();  // stops listening; accepted endpoints live on

  // Waits for the next connection that is set up and probed; one that has ended before anybody
  // accepted it is left out. Errors: kTimeout, kEndpointClosed (the context is gone). Those of the
  // set-up of a connection do not end the listener and are counted, not returned.
  std::expected<Endpoint, Error> accept(std::uint64_t timeout_ns);

  std::uint16_t port() const;
  std::vector<std::string> addresses() const;  // "127.0.0.1:18515"

 private:
  friend class AsyncContext;
  std::shared_ptr<Impl> impl_;
};

}  // namespace mapwire
