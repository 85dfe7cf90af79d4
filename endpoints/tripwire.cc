#include "mapwire/endpoints/tripwire.h"

#include <fmt/format.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "mapwire/endpoints/detail/tripwire_impl.h"

namespace mapwire {
namespace {

std::uint8_t kinds_of(const TripwireOptions& options) {
  return static_cast<std::uint8_t>((options.reads ? kTouchRead : 0) |
                                   (options.writes ? kTouchWrite : 0));
}

}  // namespace

std::shared_ptr<TripTable> Tripwire::Impl::make_table(detail::DataPath& path) {
  return std::make_shared<TripTable>([&path](TripWire& wire) { path.on_trip(wire); });
}

std::expected<void, Error> Tripwire::Impl::check(std::uint64_t offset, std::uint64_t bytes,
                                                 std::uint64_t buffer_bytes,
                                                 const TripwireOptions& options) {
  if (bytes == 0 || offset > buffer_bytes || bytes > buffer_bytes - offset) {
    return std::unexpected(
        Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                    fmt::format("tripwire: {} bytes at offset {} are not in the buffer of {} bytes",
                                bytes, offset, buffer_bytes)));
  }
  if (kinds_of(options) == 0) {
    return std::unexpected(Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                                       "tripwire: nothing would trip it; ask for reads or writes"));
  }
  return {};
}

std::expected<std::unique_ptr<Tripwire::Impl>, Error> Tripwire::Impl::hang(
    std::shared_ptr<detail::DataPath> path, std::shared_ptr<TripTable> table, std::uint64_t address,
    std::uint64_t bytes, const TripwireOptions& options) {
  if (table->size() == kTripwiresMax) {
    return std::unexpected(Error::make(
        Code::kLimitReached, ErrorScope::kRequest,
        fmt::format("tripwire: the buffer has {} already; destroy one, or take a longer range",
                    kTripwiresMax)));
  }
  std::unique_ptr<Impl> made{new Impl{std::move(path), std::move(table)}};
  made->wire_ = {.address = address, .bytes = bytes, .kinds = kinds_of(options)};
  made->path_->trips().add_wire();
  made->table_->add(made->wire_);
  return made;
}

Tripwire::Impl::~Impl() {
  const std::lock_guard guard{path_->lock()};
  path_->trips().withdraw(wire_);
  path_->trips().remove_wire();
  table_->remove(wire_);
}

bool Tripwire::Impl::arm(std::optional<std::uint64_t> cookie) {
  const std::lock_guard guard{path_->lock()};
  wire_.armed = cookie.has_value();
  wire_.cookie = cookie.value_or(0);
  return path_->trips().withdraw(wire_);
}

Tripwire::Tripwire(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Tripwire::Tripwire(Tripwire&&) noexcept = default;
Tripwire& Tripwire::operator=(Tripwire&&) noexcept = default;
Tripwire::~Tripwire() = default;

bool Tripwire::arm(std::uint64_t cookie) { return impl_->arm(cookie); }
bool Tripwire::disarm() { return impl_->arm(std::nullopt); }

}  // namespace mapwire
