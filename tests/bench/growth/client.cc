#include "tests/bench/growth/client.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/runtime/clock.h"
#include "tests/test_program.h"

namespace mapwire::growth {
namespace {

constexpr int kTurns = 21;
constexpr int kWarmUps = 200;
constexpr int kRoundTrips = 500;
constexpr int kPolls = 5000;
constexpr std::uint64_t kMessages = 5'000;

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + std::ssize(values) / 2);
  return values[values.size() / 2];
}

// Nanoseconds of one of `count` times that `step` is done.
template <class Step>
double time_of(std::uint64_t count, const Step& step) {
  const std::uint64_t start_ns = now_ns();
  for (std::uint64_t i = 0; i < count; ++i) step();
  return static_cast<double>(now_ns() - start_ns) / static_cast<double>(count);
}

void round_trip(End& end) {
  end.send(Request{.kind = Kind::kEcho});
  end.receive<Request>();
}

Pace pace_of(End& end) {
  for (int i = 0; i < kWarmUps; ++i) round_trip(end);
  Pace pace;
  pace.latency_ns = time_of(kRoundTrips, [&] { round_trip(end); }) / 2;
  pace.poll_ns = time_of(kPolls, [&] { end.poll(); });
  return pace;
}

Pace median(const std::vector<Pace>& paces) {
  std::vector<double> polls;
  std::vector<double> latencies;
  for (const Pace& pace : paces) {
    polls.push_back(pace.poll_ns);
    latencies.push_back(pace.latency_ns);
  }
  return {.poll_ns = median(std::move(polls)), .latency_ns = median(std::move(latencies))};
}

void connect(End& end, std::uint16_t port) {
  end.add(value_of(end.context().connect("127.0.0.1:" + std::to_string(port))));
}

}  // namespace

Client::Client(std::uint16_t port)
    : port_{port}, one_{value_of(Context::create())}, many_{value_of(Context::create())} {
  connect(one_, port_);
  connect(many_, static_cast<std::uint16_t>(port_ + 1));
}

Client::~Client() { turn_->send(Request{.kind = Kind::kEnd}); }

void Client::turn_to(End& end) {
  if (turn_ == &end) return;
  turn_->send(Request{.kind = Kind::kTurn});
  while (turn_->outstanding() != 0) turn_->poll();
  turn_ = &end;
}

void Client::grow(std::size_t endpoints) {
  const std::size_t more = endpoints - many_.endpoints().size();
  turn_to(many_);
  many_.send(Request{.kind = Kind::kAccept, .number = static_cast<std::uint32_t>(more)});
  for (std::size_t i = 0; i < more; ++i) connect(many_, static_cast<std::uint16_t>(port_ + 1));
  many_.receive<Request>();
}

Client::Paces Client::paces() {
  std::vector<Pace> one;
  std::vector<Pace> many;
  for (int turn = 0; turn < kTurns; ++turn) {
    turn_to(one_);
    one.push_back(pace_of(one_));
    turn_to(many_);
    many.push_back(pace_of(many_));
  }
  return {.one = median(one), .many = median(many)};
}

double Client::message_ns(std::uint64_t outstanding) {
  turn_to(one_);
  std::vector<double> values;
  for (int turn = 0; turn < kTurns; ++turn) values.push_back(stream(outstanding));
  return median(std::move(values));
}

double Client::stream(std::uint64_t outstanding) {
  const double each_ns = time_of(kMessages, [&] {
    while (one_.outstanding() >= outstanding) one_.poll();
    one_.send(Request{.kind = Kind::kTake});
  });
  round_trip(one_);
  return each_ns;
}

Possessions Client::servers() {
  turn_->send(Request{.kind = Kind::kTell});
  return turn_->receive<Possessions>();
}

}  // namespace mapwire::growth
