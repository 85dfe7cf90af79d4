// Tripwires on the peer's memory, which accesses of our own trip.
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <span>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/touch.h"
#include "mapwire/endpoints/detail/tripwire_impl.h"
#include "mapwire/proto/descriptor.h"

namespace mapwire {
namespace {

constexpr std::uint8_t kNeither = 0;

std::uint8_t kinds_of(Operation operation) {
  switch (operation) {
    case Operation::kWrite: return kTouchWrite;
    case Operation::kRead: return kTouchRead;
    case Operation::kCompareSwap:
    case Operation::kFetchAdd: return kTouchRead | kTouchWrite;
    case Operation::kSend:
    case Operation::kReceive:
    case Operation::kReceiveWrite:
    case Operation::kNotification:
    case Operation::kTripwire: break;
  }
  return kNeither;
}

}  // namespace

std::expected<std::unique_ptr<Tripwire::Impl>, Error> Endpoint::Impl::hang_tripwire(
    std::uint64_t address, std::uint64_t bytes, const TripwireOptions& options) {
  const std::lock_guard guard{path_->lock()};
  if (!wires_) wires_ = Tripwire::Impl::make_table(*path_);
  return Tripwire::Impl::hang(path_, wires_, address, bytes, options);
}

namespace detail {

void touch(TripTable& wires, Operation operation, const proto::SendDescriptor& descriptor) {
  std::uint64_t bytes = 0;
  for (const proto::Sge& element : std::span{descriptor.sge}.first(descriptor.sge_count)) {
    bytes += element.bytes;
  }
  touch(wires, operation, descriptor.remote_address, bytes);
}

void touch(TripTable& wires, Operation operation, std::uint64_t address, std::uint64_t bytes) {
  if (const std::uint8_t kinds = kinds_of(operation); kinds != kNeither) {
    wires.touch(address, bytes, kinds);
  }
}

}  // namespace detail
}  // namespace mapwire
