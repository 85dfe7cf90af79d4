// Two communication managers connect, refuse and disconnect over a network that loses, doubles and
// reorders. Whatever it does, each connection ends exactly once at each side that knows it, a
// connect is answered within its deadline, and nothing is left over.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/environment.h"
#include "tests/nic_fw/cm_pair.h"

namespace mapwire::nic_fw {
namespace {

constexpr std::uint64_t kMillisecondNs = 1'000'000;
constexpr std::uint64_t kDeadlineNs = 3 * kSecondNs;
constexpr int kConnectsPerSide = 20;

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : random_{seed}, loss_percent_{random_() % 35}, double_percent_{random_() % 20} {
    for (std::size_t i = 0; i < sides_.size(); ++i) {
      sides_[i].engine = std::make_unique<CmEngine>(
          CmOptions{.random = std::mt19937_64{seed * 2 + i}}, CmCounters{});
      EXPECT_TRUE(sides_[i].engine->listen({.ip = ip(i), .port = kServicePort}));
      for (int k = 0; k < kConnectsPerSide; ++k) {
        at(between(0, 5 * kSecondNs), [this, i] { connect(i); });
      }
    }
  }

  void run() {
    while (step()) {
    }
    for (const Side& side : sides_) {
      EXPECT_EQ(side.engine->connections(), 0U);
      EXPECT_FALSE(side.engine->has_datagrams());
      for (const auto& [id, connection] : side.connections) {
        EXPECT_EQ(connection.ends, 1) << "of " << id;
      }
    }
  }

  int established() const { return established_; }

 private:
  struct Connection {
    int ends = 0;
    bool answered = false;
    std::uint64_t deadline_ns = UINT64_MAX;
  };
  struct Side {
    std::unique_ptr<CmEngine> engine;
    std::map<CmId, Connection> connections;
  };
  struct Due {
    std::uint64_t at_ns;
    std::uint64_t order;
    std::function<void()> act;
    bool operator>(const Due& other) const {
      return std::pair{at_ns, order} > std::pair{other.at_ns, other.order};
    }
  };

  static proto::IpAddress ip(std::size_t side) { return side == 0 ? kActiveIp : kPassiveIp; }
  std::uint64_t between(std::uint64_t min, std::uint64_t max) {
    return min + random_() % (max - min);
  }
  bool chance(std::uint64_t percent) { return random_() % 100 < percent; }
  void at(std::uint64_t at_ns, std::function<void()> act) {
    due_.push({.at_ns = at_ns, .order = ++order_, .act = std::move(act)});
  }
  void after(std::uint64_t max_ns, std::function<void()> act) {
    at(now_ns_ + between(1, max_ns), std::move(act));
  }

  // Goes to the next thing that happens. False: nothing will.
  bool step() {
    std::uint64_t next_ns = due_.empty() ? UINT64_MAX : due_.top().at_ns;
    for (const Side& side : sides_) next_ns = std::min(next_ns, side.engine->next_deadline_ns());
    if (next_ns == UINT64_MAX) return false;
    now_ns_ = std::max(now_ns_, next_ns);
    while (!due_.empty() && due_.top().at_ns <= now_ns_) {
      const auto act = due_.top().act;
      due_.pop();
      act();
    }
    for (std::size_t i = 0; i < sides_.size(); ++i) {
      sides_[i].engine->on_time(now_ns_);
      for (const CmEvent& event : events_of(*sides_[i].engine)) on_event(i, event);
      for (const SentMad& sent : mads_of(*sides_[i].engine)) carry(1 - i, sent);
    }
    return true;
  }

  void carry(std::size_t to, const SentMad& sent) {
    const int copies = chance(loss_percent_) ? 0 : chance(double_percent_) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
      after(50 * kMillisecondNs, [this, to, sent] { deliver(*sides_[to].engine, sent, now_ns_); });
    }
  }

  void connect(std::size_t i) {
    auto wanted = some_connect(next_qpn_++, now_ns_ + kDeadlineNs);
    wanted.local = ip(i);
    wanted.service.ip = ip(1 - i);
    if (chance(5)) wanted.service.port = 1;  // nobody listens there
    const auto id = sides_[i].engine->connect(wanted, now_ns_);
    ASSERT_TRUE(id);
    sides_[i].connections[*id].deadline_ns = now_ns_ + kDeadlineNs;
    if (chance(10)) after(kSecondNs, [this, i, id = *id] { disconnect(i, id); });
  }

  void disconnect(std::size_t i, CmId id) {
    Connection& connection = sides_[i].connections[id];
    if (connection.ends != 0) return;
    ++connection.ends;
    sides_[i].engine->disconnect(id, now_ns_);
  }

  void answer(std::size_t i, CmId id) {
    if (sides_[i].connections[id].ends != 0) return;
    if (chance(15)) {
      ++sides_[i].connections[id].ends;
      sides_[i].engine->reject(id, CmRefusal::kByApplication, now_ns_);
    } else {
      const auto queue_pair = some_queue_pair(ip(i), next_qpn_++);
      EXPECT_TRUE(
          sides_[i].engine->accept(id, {.queue_pair = queue_pair, .private_data = {}}, now_ns_));
    }
  }

  void on_event(std::size_t i, const CmEvent& event) {
    Connection& connection = sides_[i].connections[event.id];
    EXPECT_EQ(connection.ends, 0) << "an event after the end";
    switch (event.kind) {
      case CmEventKind::kRequest:
        if (chance(30)) {
          after(2 * kSecondNs, [this, i, id = event.id] { answer(i, id); });
        } else {
          answer(i, event.id);
        }
        return;
      case CmEventKind::kReply:
        EXPECT_LE(now_ns_, connection.deadline_ns);
        EXPECT_FALSE(connection.answered);
        connection.answered = true;
        sides_[i].engine->establish(event.id, now_ns_);
        after(5 * kSecondNs, [this, i, id = event.id] { disconnect(i, id); });
        return;
      case CmEventKind::kEstablished:
        ++established_;
        after(5 * kSecondNs, [this, i, id = event.id] { disconnect(i, id); });
        return;
      case CmEventKind::kRejected:
      case CmEventKind::kTimedOut:
        EXPECT_TRUE(connection.answered || now_ns_ <= connection.deadline_ns);
        ++connection.ends;
        return;
      case CmEventKind::kDisconnected: ++connection.ends; return;
    }
  }

  std::mt19937_64 random_;
  const std::uint64_t loss_percent_;
  const std::uint64_t double_percent_;
  std::array<Side, 2> sides_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::uint64_t order_ = 0;
  std::uint64_t now_ns_ = 0;
  Qpn next_qpn_ = 100;
  int established_ = 0;
};

TEST(CmSimulation, every_connection_ends_once_whatever_the_network_does) {
  const std::uint64_t first = testing::number_from("MAPWIRE_CM_SEED", 1);
  const std::uint64_t last = std::getenv("MAPWIRE_CM_SEED") != nullptr
                                 ? first
                                 : testing::number_from("MAPWIRE_TEST_SEEDS", 200);
  int established = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("replay: MAPWIRE_CM_SEED=" + std::to_string(seed) +
                 " build/dev/tests/nic_fw_tests --gtest_filter='CmSimulation.*'");
    Simulation simulation{seed};
    simulation.run();
    established += simulation.established();
    if (HasFailure()) return;
  }
  // Of forty connects a seed, even the worst networks let a quarter through.
  EXPECT_GT(established, 10 * static_cast<int>(last - first));
}

}  // namespace
}  // namespace mapwire::nic_fw
