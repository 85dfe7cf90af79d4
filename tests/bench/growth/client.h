// The client of the growth measurement, which measures.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/bench/growth/end.h"
#include "tests/possessions.h"

namespace mapwire::growth {

// What polling costs a context in nanoseconds, and half a round trip over its first endpoint.
struct Pace {
  double poll_ns = 0;
  double latency_ns = 0;
};

// One context keeps its one endpoint, the other one gets more. What is measured of both is measured
// in turns, and is the median of them: the machine may change meanwhile.
class Client {
 public:
  // Connects both to the server.
  explicit Client(std::uint16_t port);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Connects until the second context has `endpoints`.
  void grow(std::size_t endpoints);
  struct Paces {
    Pace one;
    Pace many;
  };
  Paces paces();
  // What a message of a stream takes in nanoseconds, with so many sends outstanding.
  double message_ns(std::uint64_t outstanding);
  // Of both ends.
  Possessions own() const { return possessions(); }
  Possessions servers();
  std::string wire() const { return one_.endpoints().front().info().wire; }

 private:
  void turn_to(End& end);
  double stream(std::uint64_t outstanding);

  std::uint16_t port_;
  End one_;
  End many_;
  End* turn_ = &one_;  // that the server polls
};

}  // namespace mapwire::growth
