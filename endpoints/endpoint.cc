#include "mapwire/endpoints/endpoint.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "mapwire/endpoints/detail/endpoint_impl.h"

namespace mapwire {

Endpoint::Endpoint(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}
Endpoint::Endpoint(Endpoint&&) noexcept = default;

Endpoint& Endpoint::operator=(Endpoint&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

Endpoint::~Endpoint() {
  if (impl_) impl_->close();
}

EndpointId Endpoint::id() const { return impl_->id(); }
EndpointInfo Endpoint::info() const { return impl_->info(); }
std::span<const std::byte> Endpoint::private_data() const { return impl_->private_data(); }

Code Endpoint::post_send(ConstBuffer message, std::uint64_t cookie,
                         std::optional<std::uint32_t> immediate) {
  return impl_->post_send(message, cookie, immediate);
}

Code Endpoint::post_receive(MutableBuffer buffer, std::uint64_t cookie) {
  return impl_->post_receive(buffer, cookie);
}

Code Endpoint::post_write(ConstBuffer source, RemoteBuffer target, std::uint64_t cookie,
                          std::optional<std::uint32_t> immediate) {
  return impl_->post_write(source, target, cookie, immediate);
}

Code Endpoint::post_read(MutableBuffer target, RemoteBuffer source, std::uint64_t cookie) {
  return impl_->post_read(target, source, cookie);
}

Code Endpoint::post_write(std::span<const ConstBuffer> sources, RemoteBuffer target,
                          std::uint64_t cookie) {
  return impl_->post_elements(Operation::kWrite, sources, target, cookie);
}

Code Endpoint::post_read(std::span<const MutableBuffer> targets, RemoteBuffer source,
                         std::uint64_t cookie) {
  return impl_->post_elements(Operation::kRead, targets, source, cookie);
}

Code Endpoint::post_compare_swap(std::uint64_t& original, RemoteBuffer target,
                                 std::uint64_t compare, std::uint64_t swap, std::uint64_t cookie) {
  return impl_->post_atomic(Operation::kCompareSwap, original, target, compare, swap, cookie);
}

Code Endpoint::post_fetch_add(std::uint64_t& original, RemoteBuffer target, std::uint64_t amount,
                              std::uint64_t cookie) {
  return impl_->post_atomic(Operation::kFetchAdd, original, target, 0, amount, cookie);
}

void Endpoint::close() { impl_->close(); }

std::optional<Error> Endpoint::error() const { return impl_->error(); }

}  // namespace mapwire
