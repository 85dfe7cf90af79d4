// Runs hosts in virtual time: the one whose turn comes next is polled, and the clock jumps there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <vector>

#include "tests/nic_fw/sim/host.h"
#include "tests/nic_fw/sim/random.h"
#include "tests/nic_fw/sim/verdict.h"

namespace mapwire::nic_fw::sim {

// The instant of what is not due.
inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

// What uses a queue pair: the application's part of a simulation.
class QueuePairUser {
 public:
  QueuePairUser() = default;
  QueuePairUser(const QueuePairUser&) = delete;
  QueuePairUser& operator=(const QueuePairUser&) = delete;
  virtual ~QueuePairUser() = default;

  // Posts what is due.
  virtual void post(std::uint64_t now_ns) = 0;
  // When there will be something to post; UINT64_MAX: never, or once a completion made room.
  virtual std::uint64_t next_post_ns() = 0;
  virtual void on_completion(const proto::CompletionEntry& entry, std::uint64_t now_ns) = 0;
};

// How the application of a host polls.
struct PollStyle {
  std::uint64_t delay_ns_max = 0;  // from something to do until the poll that does it
  bool varies = false;             // batches of random size, acknowledgements held back at random
};

class Simulation {
 public:
  // A poll takes at least so long, so that virtual time always advances.
  static constexpr std::uint64_t kPollNs = 100;

  Simulation(Random& random, Verdict& verdict) : random_{random}, verdict_{verdict} {}

  // Hosts and users outlive the simulation and are added before run().
  void add(Host& host, const PollStyle& style) { players_.push_back({&host, style}); }
  // `user` gets the completions of a queue pair of `host`. Precondition: the host was added.
  void attach(Host& host, std::size_t queue_pair, QueuePairUser& user);

  // Polls until `finished()`, a failure, `end_ns`, or nothing is left to do.
  template <class Finished>
  void run(std::uint64_t end_ns, Finished finished) {
    while (!verdict_.failed() && !finished() && step(end_ns)) {
    }
  }

  std::uint64_t now_ns() const { return now_ns_; }
  std::uint64_t polls() const { return polls_; }

 private:
  struct Attachment {
    std::size_t queue_pair;
    QueuePairUser* user;
  };
  struct Player {
    Host* host;
    PollStyle style;
    std::uint64_t busy_until_ns = 0;
    bool more_completions = false;
    std::vector<Attachment> attachments{};
  };

  bool step(std::uint64_t end_ns);
  std::uint64_t next_poll_ns(Player& player) const;
  void poll(Player& player);
  void reap(Player& player);
  void deliver(Player& player, const proto::CompletionEntry& entry);
  void check_queue_pairs(Player& player);

  Random& random_;
  Verdict& verdict_;
  std::deque<Player> players_;
  std::uint64_t now_ns_ = 0;
  std::uint64_t polls_ = 0;
};

}  // namespace mapwire::nic_fw::sim
