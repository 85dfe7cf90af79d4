// The other end of an unmodified rping, the ping of librdmacm, on whatever NIC a context has:
// either role. In each round the client tells of a buffer, which the server reads, and of a second
// one, to which the server writes what it read; the client compares the two.
//
//   rping_peer serve rdma://HOST:PORT COUNT
//   rping_peer call rdma://HOST:PORT COUNT --size BYTES
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "mapwire/endpoints/context.h"
#include "mapwire/proto/endian.h"
#include "tests/test_program.h"

namespace mapwire::interop {
namespace {

constexpr std::uint64_t kPatienceNs = 60'000'000'000;
constexpr std::uint64_t kGoodbyeNs = 10'000'000'000;
constexpr std::size_t kBufferBytesMax = 1 << 20;

// What rping sends to tell of a buffer, and with any content to say "go on".
struct BufferMessage {
  proto::be64 address;
  proto::be32 rkey;
  proto::be32 bytes;
};
static_assert(proto::WireStruct<BufferMessage> && sizeof(BufferMessage) == 16);

// One end: the connection, and a receive that is always posted.
class End {
 public:
  End(Context& context, Endpoint endpoint) : context_{context}, endpoint_{std::move(endpoint)} {
    post_receive();
  }

  void send(const BufferMessage& message) {
    std::array<std::byte, sizeof(message)> bytes{};
    proto::store(bytes, message);
    require(endpoint_.post_send(bytes, kSend));
    await(kSend);
  }
  // The last message. Its receiver goes at once, and then no longer repeats an acknowledgement that
  // the network loses: the good-bye comes in its place.
  void send_last() {
    require(endpoint_.post_send(kGoOn, kSend));
    Completion completion = next_completion();
    while (completion.cookie != kSend) completion = next_completion();
    if (completion.status == Code::kPeerClosed) {
      std::fprintf(stderr, "no acknowledgement came\n");
    } else {
      require(completion.status);
    }
  }
  BufferMessage receive() {
    await(kReceive);
    const auto message = proto::load<BufferMessage>(received_);
    post_receive();
    return message;
  }
  void read(std::span<std::byte> target, const RemoteBuffer& source) {
    require(endpoint_.post_read(target, source, kSend));
    await(kSend);
  }
  void write(std::span<const std::byte> source, const RemoteBuffer& target) {
    require(endpoint_.post_write(source, target, kSend));
    await(kSend);
  }

  // The peer, which has seen its last round, is the one to go. A kernel whose process has ended
  // does not repeat a good-bye that the network loses.
  void await_end() {
    while (!endpoint_.error()) {
      Completion completion;
      if (context_.wait({&completion, 1}, kGoodbyeNs) != 0) continue;
      std::fprintf(stderr, "no good-bye came\n");
      return;
    }
    const Code code = endpoint_.error()->code;
    if (code != Code::kPeerClosed) fail(endpoint_.error()->message);
  }

 private:
  static constexpr std::uint64_t kSend = 0;
  static constexpr std::uint64_t kReceive = 1;
  static constexpr std::array<std::byte, sizeof(BufferMessage)> kGoOn{};

  void require(Code code) {
    if (code != Code::kOk) fail(code_entry(code).meaning);
  }
  void post_receive() { require(endpoint_.post_receive(received_, kReceive)); }

  // Waits for the completion of `kind`; one of the other kind may come first.
  void await(std::uint64_t kind) {
    while (done_[kind] == 0) {
      const Completion completion = next_completion();
      require(completion.status);
      ++done_[completion.cookie];
    }
    --done_[kind];
  }
  Completion next_completion() {
    Completion completion;
    if (context_.wait({&completion, 1}, kPatienceNs) == 0) fail("no completion came");
    return completion;
  }

  Context& context_;
  Endpoint endpoint_;
  std::array<std::byte, sizeof(BufferMessage)> received_{};
  std::array<int, 2> done_{};
};

RemoteBuffer remote_of(const BufferMessage& message) {
  if (message.bytes > kBufferBytesMax) fail("the peer's buffer is larger than rping has any");
  return {.address = message.address, .bytes = message.bytes, .rkey = message.rkey};
}

// How rping's client begins its data.
std::string greeting(int round) { return "rdma-ping-" + std::to_string(round) + ":"; }

void serve(const std::string& address, int count) {
  Context context = value_of(Context::create());
  Listener listener = value_of(context.listen({.address = address}));
  std::fprintf(stderr, "listening\n");
  End end{context, value_of(listener.accept(kPatienceNs))};
  std::vector<std::byte> data;
  for (int i = 0; i < count; ++i) {
    const RemoteBuffer source = remote_of(end.receive());
    data.assign(source.bytes, {});
    end.read(data, source);
    const std::string_view text{reinterpret_cast<const char*>(data.data()), data.size()};
    if (!text.starts_with(greeting(i))) fail("what was read is not what rping writes");
    end.send({});
    end.write(data, remote_of(end.receive()));
    if (i + 1 < count) {
      end.send({});
    } else {
      end.send_last();
    }
  }
  end.await_end();
}

BufferMessage describe(const MemoryRegion& region) {
  const RemoteBuffer remote = region.remote();
  BufferMessage message;
  message.address = remote.address;
  message.rkey = remote.rkey;
  message.bytes = static_cast<std::uint32_t>(remote.bytes);
  return message;
}

// rping takes its data for a text.
void fill(std::span<std::byte> memory, int round) {
  std::string text = greeting(round);
  while (text.size() < memory.size() - 1) text += "abcdefghijklmnopqrstuvwxyz"[text.size() % 26];
  std::ranges::copy(std::as_bytes(std::span{text}), memory.begin());
  memory.back() = {};
}

void call(const std::string& address, int count, std::size_t bytes) {
  Context context = value_of(Context::create());
  MemoryRegion source = value_of(context.allocate(bytes, {.remote_read = true}));
  MemoryRegion sink = value_of(context.allocate(bytes, {.remote_write = true}));
  End end{context, value_of(context.connect(address, {.endpoint = {.profile = Profile::kPlain}}))};
  for (int i = 0; i < count; ++i) {
    fill(source.memory(), i);
    std::ranges::fill(sink.memory(), std::byte{});
    end.send(describe(source));
    end.receive();
    end.send(describe(sink));
    end.receive();
    if (!std::ranges::equal(source.memory(), sink.memory())) fail("other bytes came back");
  }
}

void run(int argc, char** argv) {
  CLI::App app{"The other end of rping"};
  std::string role;
  std::string address;
  int count = 0;
  std::size_t bytes = 64;
  app.add_option("role", role)->required()->check(CLI::IsMember({"serve", "call"}));
  app.add_option("address", address)->required();
  app.add_option("count", count)->required()->check(CLI::Range(1, 1'000'000));
  app.add_option("--size", bytes)->check(CLI::Range(std::size_t{32}, kBufferBytesMax));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  if (role == "serve") {
    serve(address, count);
  } else {
    call(address, count, bytes);
  }
  std::fprintf(stderr, "%d rounds\n", count);
}

}  // namespace
}  // namespace mapwire::interop

int main(int argc, char** argv) {
  try {
    mapwire::interop::run(argc, argv);
  } catch (const std::exception& error) {  // no memory, say
    mapwire::fail(error.what());
  }
  return EXIT_SUCCESS;
}
