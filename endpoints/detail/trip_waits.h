// The tripwires of an AsyncContext, and who waits for them.
//
// Threads: the context's executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "mapwire/endpoints/async.h"

namespace mapwire::detail {

class TripWaits {
 public:
  // The number of one more, with which it is to be armed.
  std::uint64_t add() {
    trips_.try_emplace(++last_);
    return last_;
  }
  // Precondition of these: the number was added and not removed.
  void remove(std::uint64_t trip) { trips_.erase(trip); }
  void forget(std::uint64_t trip) { trips_.at(trip).tripped = false; }
  void end(std::uint64_t trip) { complete(trips_.at(trip), Code::kFlushed); }
  void wait(std::uint64_t trip, std::unique_ptr<AsyncOperation> waiter) {
    end(trip);
    trips_.at(trip).waiter = std::move(waiter);
    ++waits_;
    tell(trips_.at(trip));
  }

  void end_all() {
    for (auto& [number, trip] : trips_) complete(trip, Code::kFlushed);
  }
  bool somebody_waits() const { return waits_ != 0; }
  // A completion came.
  void on_trip(std::uint64_t number) {
    const auto found = trips_.find(number);
    if (found == trips_.end()) return;  // armed by somebody else
    found->second.tripped = true;
    tell(found->second);
  }

 private:
  struct Trip {
    bool tripped = false;  // and nobody was told
    std::unique_ptr<AsyncOperation> waiter{};
  };

  void tell(Trip& trip) {
    if (!trip.tripped || !trip.waiter) return;
    trip.tripped = false;
    complete(trip, Code::kOk);
  }
  void complete(Trip& trip, Code status) {
    if (!trip.waiter) return;
    --waits_;
    std::exchange(trip.waiter, nullptr)
        ->complete({.operation = Operation::kTripwire, .status = status});
  }

  std::map<std::uint64_t, Trip> trips_;
  std::uint64_t last_ = 0;
  std::size_t waits_ = 0;
};

}  // namespace mapwire::detail
