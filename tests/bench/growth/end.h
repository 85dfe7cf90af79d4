// One context of the growth measurement at either end, with all its endpoints. The first is the one
// in use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"

namespace mapwire::growth {

// What the client wants of the server.
enum class Kind : std::uint32_t {
  kEcho,    // the same back
  kTake,    // nothing
  kAccept,  // `number` further endpoints
  kTell,    // Possessions
  kTurn,    // to the other context
  kEnd,
};

struct Request {
  Kind kind = Kind::kEcho;
  std::uint32_t number = 0;
};
static_assert(sizeof(Request) == 8);  // as the least messages of the bench

inline constexpr std::size_t kReceives = 64;  // all that an endpoint has by default

class End {
 public:
  explicit End(Context context) : context_{std::move(context)} {}

  Context& context() { return context_; }
  const std::vector<Endpoint>& endpoints() const { return endpoints_; }

  // Takes an endpoint over. The first gets all its receives posted, each other one.
  void add(Endpoint endpoint);

  // Sends `value` over the first endpoint, and polls until it could.
  template <class T>
  void send(const T& value) {
    post_send(std::as_bytes(std::span{&value, 1}));
  }
  // Polls for the next message, which is a T.
  template <class T>
  T receive() {
    T value;
    const Slot message = next_message();
    std::memcpy(&value, message.data(), sizeof(value));
    return value;
  }
  void poll();
  std::uint64_t outstanding() const { return outstanding_; }

 private:
  using Slot = std::array<std::byte, 64>;

  void post_send(std::span<const std::byte> message);
  void post_receive(Endpoint& endpoint, std::size_t slot);
  Slot next_message();

  std::unique_ptr<std::array<Slot, kReceives>> slots_ =
      std::make_unique<std::array<Slot, kReceives>>();
  Context context_;
  std::vector<Endpoint> endpoints_;
  std::deque<std::size_t> arrived_;  // slots
  std::uint64_t outstanding_ = 0;    // sends
};

}  // namespace mapwire::growth
