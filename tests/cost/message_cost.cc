// message_cost THREADS: exchanges small messages with itself over the soft NIC, for
// instructions.py, which counts what the functions of extern "C" below take. THREADS is safe or
// single, as in context.h.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "mapwire/endpoints/context.h"
#include "tests/test_program.h"

namespace {

using mapwire::Code;
using mapwire::Completion;
using mapwire::Context;
using mapwire::Endpoint;

constexpr int kRounds = 1000;
constexpr int kSettlingPolls = 20'000;  // the end of set-up comes, and the first credits
constexpr std::size_t kMessageBytes = 8;

using Message = std::array<std::byte, kMessageBytes>;

void require(Code code) {
  if (code != Code::kOk) mapwire::fail(code_entry(code).meaning);
}

}  // namespace

// What is counted: by name, so a function of its own each.
extern "C" {
[[gnu::noinline]] Code cost_post_send(Endpoint& endpoint, const Message& message) {
  return endpoint.post_send(message, 1);
}
[[gnu::noinline]] Code cost_post_receive(Endpoint& endpoint, Message& message) {
  return endpoint.post_receive(mapwire::MutableBuffer{message}, 2);
}
[[gnu::noinline]] std::size_t cost_poll(Context& context, std::span<Completion> completions) {
  return context.poll(completions);
}
[[gnu::noinline]] std::size_t cost_empty_poll(Context& context, std::span<Completion> completions) {
  return context.poll(completions);
}
}

namespace {

struct End {
  Context context;
  Endpoint endpoint;
  Message out{};
  Message in{};
};

// Takes the completions of the message that came and of the one that went.
void take(End& end, std::size_t wanted) {
  std::array<Completion, 4> completions;
  while (wanted != 0) {
    const std::size_t count = end.context.poll(completions);
    for (const Completion& done : std::span{completions}.first(count)) require(done.status);
    wanted -= count;
  }
}

void exchange(End& near, End& far) {
  std::array<Completion, 4> completions;
  require(cost_post_receive(near.endpoint, near.in));
  Code sent = cost_post_send(near.endpoint, near.out);
  while (sent == Code::kWouldBlock) {  // until the first credits are here
    far.context.poll({});
    near.context.poll({});
    sent = cost_post_send(near.endpoint, near.out);
  }
  require(sent);
  take(far, 1);
  require(far.endpoint.post_receive(mapwire::MutableBuffer{far.in}, 2));
  require(far.endpoint.post_send(far.out, 1));
  for (std::size_t taken = 0; taken < 2;) taken += cost_poll(near.context, completions);
  // The near end acknowledges with its next call.
  near.context.poll({});
  take(far, 1);
}

mapwire::ContextOptions options(std::string_view threads) {
  const bool single = threads == "single";
  return {.threads = single ? mapwire::Threads::kSingle : mapwire::Threads::kSafe,
          .progress = single ? mapwire::Progress::kInline : mapwire::Progress::kPassive,
          .nic = mapwire::NicChoice::kSoft};
}

std::pair<End, End> connect(std::string_view threads) {
  // The far end's set-up runs by itself, so that this thread can wait for the near end's.
  auto far = mapwire::value_of(Context::create({.nic = mapwire::NicChoice::kSoft}));
  auto listener = mapwire::value_of(far.listen({.address = "127.0.0.1:0"}));
  auto near = mapwire::value_of(Context::create(options(threads)));
  auto connected = mapwire::value_of(near.connect("127.0.0.1:" + std::to_string(listener.port())));
  auto accepted = mapwire::value_of(listener.accept(UINT64_MAX));
  return {End{std::move(near), std::move(connected)}, End{std::move(far), std::move(accepted)}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) mapwire::fail("usage: message_cost safe|single");
  auto [near, far] = connect(argv[1]);
  require(far.endpoint.post_receive(mapwire::MutableBuffer{far.in}, 2));
  for (int i = 0; i < kSettlingPolls; ++i) near.context.poll({});
  for (int i = 0; i < kRounds; ++i) exchange(near, far);
  std::array<Completion, 4> completions;
  for (int i = 0; i < kRounds; ++i) {
    if (cost_empty_poll(near.context, completions) != 0) mapwire::fail("a poll was not empty");
  }
  std::printf("%d\n", kRounds);
}
