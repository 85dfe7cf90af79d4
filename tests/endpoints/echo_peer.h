// The steady side of a test: contexts with many clients, whose messages a thread checks and sends
// back from registered memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "tests/endpoints/pair.h"
#include "tests/endpoints/stamps.h"

namespace mapwire::testing {

// Serves `clients` endpoints, the one with the i-th connection with messages up to kBytesMax.
class EchoPeer {
 public:
  static constexpr std::size_t kBytesMax = 1 << 16;

  EchoPeer(Context& context, std::vector<Endpoint> clients)
      : context_{context},
        clients_{std::move(clients)},
        expected_(clients_.size()),
        memory_{value_of(context.allocate(clients_.size() * kBytesMax, {}))} {
    for (std::size_t i = 0; i < clients_.size(); ++i) receive(i);
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
  }

  // What the next message of a client has to carry.
  void expect(std::size_t client, std::uint64_t stamp) { expected_[client] = stamp; }
  // Messages that carried something else somewhere.
  std::uint64_t wrong() const { return wrong_; }

 private:
  MutableBuffer slot(std::size_t client, std::size_t bytes) {
    return memory_.slice(client * kBytesMax, bytes);
  }
  void receive(std::size_t client) {
    if (clients_[client].post_receive(slot(client, kBytesMax), 2 * client) != Code::kOk) {
      failed_ = true;
    }
  }
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      Completion completion;
      if (context_.wait({&completion, 1}, kSecondNs / 20) == 0) continue;
      const std::size_t client = completion.cookie / 2;
      if (completion.status != Code::kOk) {
        failed_ = true;
      } else if (completion.cookie % 2 == 0) {
        on_message(client, completion.bytes);
      } else {
        receive(client);
      }
    }
  }
  void on_message(std::size_t client, std::size_t bytes) {
    const MutableBuffer message = slot(client, bytes);
    if (wrong_stamps(message.memory(), expected_[client]) != 0) ++wrong_;
    write_stamps(message.memory(), expected_[client]);  // the way back is another test
    if (clients_[client].post_send(message, 2 * client + 1) != Code::kOk) failed_ = true;
  }

  Context& context_;
  std::vector<Endpoint> clients_;
  std::vector<std::atomic<std::uint64_t>> expected_;
  MemoryRegion memory_;
  std::atomic<std::uint64_t> wrong_ = 0;
  std::atomic<bool> failed_ = false;
  std::jthread thread_;  // the last: it uses the others

 public:
  bool failed() const { return failed_; }
};

}  // namespace mapwire::testing
