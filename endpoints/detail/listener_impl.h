// What a Listener handle holds.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "mapwire/endpoints/detail/acceptor.h"
#include "mapwire/endpoints/detail/context_impl.h"
#include "mapwire/endpoints/listener.h"

namespace mapwire {

class Listener::Impl {
 public:
  Impl(std::shared_ptr<Context::Impl> context, std::shared_ptr<detail::Acceptor> acceptor)
      : context_{std::move(context)},
        acceptor_{std::move(acceptor)},
        addresses_{acceptor_->addresses()} {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { context_->control().stop_listening(acceptor_); }

  Context::Impl& context() { return *context_; }
  // (any) See Control::accept.
  void begin_accept(std::uint64_t timeout_ns, detail::Reply<Endpoint> reply) {
    context_->control().accept(acceptor_, timeout_ns, std::move(reply));
  }
  const std::vector<asio::ip::tcp::endpoint>& addresses() const { return addresses_; }

 private:
  const std::shared_ptr<Context::Impl> context_;
  const std::shared_ptr<detail::Acceptor> acceptor_;
  const std::vector<asio::ip::tcp::endpoint> addresses_;
};

}  // namespace mapwire
