// The process that hostile peers meet: it echoes on a free port, told on stderr, until SIGTERM. An
// error on a connection of the companion ends it as failed.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "tests/integration/hostile/honest.h"

namespace mapwire::hostile {
namespace {

constexpr std::size_t kBuffers = 4;

// Not cleared, so that what is never used is no memory.
using Buffer = std::unique_ptr<std::byte[]>;
Buffer make_buffer() { return std::make_unique_for_overwrite<std::byte[]>(kMessageBytesMax); }
std::span<std::byte> all_of(const Buffer& buffer) { return {buffer.get(), kMessageBytesMax}; }

// Who connected. Nothing is expected of one that is not the companion's.
struct Client {
  Endpoint endpoint;
  bool honest;
  std::array<Buffer, kBuffers> buffers{make_buffer(), make_buffer(), make_buffer(), make_buffer()};
};

class Survivor {
 public:
  Survivor() {
    const RemoteBuffer open = open_.remote();
    ListenOptions options{.address = "127.0.0.1:0"};
    options.endpoint.private_data.resize(sizeof(open));
    std::memcpy(options.endpoint.private_data.data(), &open, sizeof(open));
    listener_.emplace(value_of(context_.listen(options)));
    std::fprintf(stderr, "listening on 127.0.0.1:%u\n", listener_->port());
    acceptor_ = std::jthread{[this] { accept(); }};
  }

  void run() {
    std::array<Completion, 64> completions;
    while (told_to_end == 0) {
      take_accepted();
      const std::size_t count = context_.wait(completions, kNapNs);
      for (const Completion& done : std::span{completions}.first(count)) on_completion(done);
    }
  }

 private:
  void accept() {
    while (told_to_end == 0) {
      auto endpoint = listener_->accept(20 * kNapNs);
      if (!endpoint) continue;
      const std::lock_guard guard{lock_};
      accepted_.push_back(std::move(*endpoint));
    }
  }

  void take_accepted() {
    const std::lock_guard guard{lock_};
    for (Endpoint& endpoint : accepted_) {
      const auto data = endpoint.private_data();
      const bool honest = data.size() == 1 && data[0] == kCompanion;
      const EndpointId id = endpoint.id();
      Client& client = clients_.emplace(id, Client{std::move(endpoint), honest}).first->second;
      for (std::size_t i = 0; i < kBuffers; ++i) receive(client, i);
    }
    accepted_.clear();
  }

  static void receive(Client& client, std::size_t buffer) {
    const Code code = client.endpoint.post_receive(all_of(client.buffers[buffer]), buffer);
    if (client.honest && !leaving(code)) expect_ok(code, "posting a receive of the companion");
  }

  void on_completion(const Completion& done) {
    const auto found = clients_.find(done.endpoint);
    if (found == clients_.end()) return;
    Client& client = found->second;
    if (done.status != Code::kOk) {
      if (client.honest && !leaving(done.status)) expect_ok(done.status, "with the companion");
      clients_.erase(found);
    } else if (done.operation == Operation::kReceive) {
      echo(client, done);
    } else if (done.operation == Operation::kSend) {
      receive(client, done.cookie);
    }
  }

  static void echo(Client& client, const Completion& received) {
    const auto message = all_of(client.buffers[received.cookie]).first(received.bytes);
    const Code code = client.endpoint.post_send(message, received.cookie);
    if (code == Code::kOk) return;
    if (client.honest && !leaving(code)) expect_ok(code, "answering the companion");
    receive(client, received.cookie);
  }

  // A companion may end, in order.
  static bool leaving(Code code) { return code == Code::kPeerClosed || code == Code::kFlushed; }

  Context context_ = value_of(Context::create());
  MemoryRegion open_ = value_of(context_.allocate(
      kMessageBytesMax, {.remote_read = true, .remote_write = true, .remote_atomic = true}));
  std::optional<Listener> listener_;
  std::map<EndpointId, Client> clients_;
  std::mutex lock_;
  std::vector<Endpoint> accepted_;
  std::jthread acceptor_;
};

}  // namespace
}  // namespace mapwire::hostile

int main() {
  mapwire::hostile::end_when_told();
  mapwire::hostile::Survivor{}.run();
}
