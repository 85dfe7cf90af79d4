// Ping-pong in one file. Without an argument it serves one client, with one it is the client:
//
//   ping_pong                # in one shell
//   ping_pong 127.0.0.1      # in another
#include <array>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <span>
#include <utility>

#include "mapwire/endpoints/context.h"
#include "mapwire/runtime/clock.h"

namespace {

[[noreturn]] void fail(std::string_view why) {
  std::fprintf(stderr, "ping_pong: %.*s\n", static_cast<int>(why.size()), why.data());
  std::exit(EXIT_FAILURE);
}

template <class T>
T value_of(std::expected<T, mapwire::Error> result) {
  if (!result) fail(result.error().message);
  return std::move(*result);
}

// Polls until so many requests have completed.
void await(mapwire::Context& context, int requests) {
  mapwire::Completion completion;
  while (requests > 0) {
    if (context.poll(std::span{&completion, 1}) == 0) continue;
    if (completion.status != mapwire::Code::kOk) fail(code_entry(completion.status).meaning);
    --requests;
  }
}

void send(mapwire::Context& context, mapwire::Endpoint& endpoint, std::span<std::byte> message) {
  mapwire::Code code = endpoint.post_send(message, 0);
  while (code == mapwire::Code::kWouldBlock) {  // until the peer has posted its receive
    context.poll({});
    code = endpoint.post_send(message, 0);
  }
  if (code != mapwire::Code::kOk) fail(code_entry(code).meaning);
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kRounds = 10'000;
  const bool client = argc > 1;
  auto context = value_of(mapwire::Context::create());
  auto endpoint = client ? value_of(context.connect(argv[1]))
                         : value_of(value_of(context.listen()).accept(UINT64_MAX));

  std::array<std::byte, 64> ping{};  // any memory will do
  std::array<std::byte, 64> pong{};
  const std::uint64_t start_ns = mapwire::now_ns();
  for (int round = 0; round < kRounds; ++round) {
    if (endpoint.post_receive(mapwire::MutableBuffer{pong}, 0) != mapwire::Code::kOk)
      fail("no receive posted");
    if (!client) await(context, 1);
    send(context, endpoint, ping);
    await(context, client ? 2 : 1);
  }
  const auto elapsed_ns = static_cast<double>(mapwire::now_ns() - start_ns);
  std::printf("%d round trips over %s/%s, %.2f usec each way\n", kRounds,
              endpoint.info().nic.c_str(), endpoint.info().wire.c_str(),
              elapsed_ns / kRounds / 2 / 1000);
}
