#include "mapwire/endpoints/listener.h"

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/endpoints/detail/asio_address.h"
#include "mapwire/endpoints/detail/listener_impl.h"

namespace mapwire {

Listener::Listener(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&&) noexcept = default;
Listener::~Listener() = default;

std::expected<Endpoint, Error> Listener::accept(std::uint64_t timeout_ns) {
  if (auto allowed = impl_->context().check_thread(); !allowed) {
    return std::unexpected(allowed.error());
  }
  return impl_->context().await_reply<Endpoint>(
      [&](detail::Reply<Endpoint> reply) { impl_->begin_accept(timeout_ns, std::move(reply)); });
}

std::uint16_t Listener::port() const { return impl_->addresses().front().port(); }

std::vector<std::string> Listener::addresses() const {
  std::vector<std::string> texts;
  for (const auto& address : impl_->addresses()) {
    texts.push_back(proto::to_string(detail::to_address(address)));
  }
  return texts;
}

}  // namespace mapwire
