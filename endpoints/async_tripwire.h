// Tripwires (tripwire.h) on Asio:
//
//   for (;;) {
//     trip.arm();
//     look_at_the_memory();
//     co_await trip.async_wait(use_awaitable);
//   }
//
// Threads: as in async.h.
#pragma once

#include <cstdint>
#include <utility>

#include "mapwire/endpoints/async.h"
#include "mapwire/endpoints/tripwire.h"

namespace mapwire {

class AsyncTripwire {
 public:
  // `context` outlives it and has the export or the window of the tripwire.
  AsyncTripwire(AsyncContext& context, Tripwire tripwire)
      : context_{&context}, trip_{context.add_trip()}, tripwire_{std::move(tripwire)} {}
  AsyncTripwire(const AsyncTripwire&) = delete;
  AsyncTripwire& operator=(const AsyncTripwire&) = delete;
  // As cancel().
  ~AsyncTripwire() {
    tripwire_.disarm();
    context_->remove_trip(trip_);
  }

  // From now on the next access trips it; what tripped it before is forgotten.
  void arm() {
    tripwire_.arm(trip_);
    context_->forget_trip(trip_);
  }

  // Ends when it has tripped since it was armed, at once if it has. Handler: void(std::error_code,
  // std::size_t), always with 0. A wait that is under way already ends with kFlushed.
  template <class Token>
  auto async_wait(Token&& token) {
    return context_->start_waiting(trip_, std::forward<Token>(token));
  }

  // Disarms it; a wait that is under way ends with kFlushed.
  void cancel() {
    tripwire_.disarm();
    context_->forget_trip(trip_);
    context_->end_waiting(trip_);
  }

 private:
  AsyncContext* context_;
  std::uint64_t trip_;
  Tripwire tripwire_;
};

}  // namespace mapwire
