// A peer that goes to sleep without polling, and one that works on its memory meanwhile.
//
//   sleeping_peer SECONDS               # serves on a free port, told on stderr
//   sleeping_peer SECONDS HOST:PORT     # the worker
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/runtime/clock.h"
#include "tests/test_program.h"

namespace {

using namespace mapwire;

constexpr std::size_t kBytes = 16384;

void await(Context& context) {
  Completion completion;
  while (context.poll(std::span{&completion, 1}) == 0) {
  }
  if (completion.status != Code::kOk) fail(code_entry(completion.status).meaning);
}

void post(Context& context, const auto& request) {
  Code code = request();
  while (code == Code::kWouldBlock) {
    context.poll({});
    code = request();
  }
  if (code != Code::kOk) fail(code_entry(code).meaning);
}

void sleep_then_greet(std::chrono::seconds nap) {
  auto context = value_of(Context::create());
  auto memory = value_of(
      context.allocate(kBytes, {.remote_read = true, .remote_write = true, .remote_atomic = true}));
  const RemoteBuffer open = memory.remote();
  ListenOptions options{.address = "127.0.0.1:0"};
  options.endpoint.private_data.resize(sizeof(open));
  std::memcpy(options.endpoint.private_data.data(), &open, sizeof(open));
  auto listener = value_of(context.listen(options));
  std::fprintf(stderr, "listening on 127.0.0.1:%u\n", listener.port());
  auto endpoint = value_of(listener.accept(UINT64_MAX));
  std::this_thread::sleep_for(nap);
  std::array<std::byte, 1> greeting{};
  post(context, [&] { return endpoint.post_send(ConstBuffer{greeting}, 0); });
  await(context);
}

// Writes, reads back and counts until the peer says that it is awake.
void work(std::chrono::seconds nap, const char* address) {
  auto context = value_of(Context::create());
  auto endpoint = value_of(context.connect(address));
  RemoteBuffer peer;
  if (endpoint.private_data().size() != sizeof(peer)) fail("the peer is no sleeping_peer");
  std::memcpy(&peer, endpoint.private_data().data(), sizeof(peer));

  std::vector<std::byte> written(kBytes);
  std::vector<std::byte> read(kBytes);
  std::uint64_t original = 0;
  std::uint64_t slowest_ns = 0;
  std::uint64_t rounds = 0;
  const auto end_ns = now_ns() + static_cast<std::uint64_t>(nap.count()) * 8 / 10 * 1'000'000'000;
  for (std::uint64_t start_ns = now_ns(); start_ns < end_ns; start_ns = now_ns()) {
    std::memset(written.data(), static_cast<int>(++rounds & 0xff), written.size());
    post(context, [&] { return endpoint.post_write(ConstBuffer{written}, peer, 0); });
    await(context);
    post(context, [&] { return endpoint.post_read(MutableBuffer{read}, peer, 0); });
    await(context);
    if (read != written) fail("other bytes were read than written");
    post(context, [&] { return endpoint.post_fetch_add(original, peer, 1, 0); });
    await(context);
    if (std::memcmp(&original, written.data(), sizeof(original)) != 0) fail("a wrong original");
    slowest_ns = std::max(slowest_ns, now_ns() - start_ns);
  }
  std::array<std::byte, 1> greeting{};
  post(context, [&] { return endpoint.post_receive(MutableBuffer{greeting}, 0); });
  await(context);
  std::printf("%llu rounds while the peer slept, the slowest %.1f ms\n",
              static_cast<unsigned long long>(rounds), static_cast<double>(slowest_ns) / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: sleeping_peer SECONDS [HOST:PORT]");
  const std::chrono::seconds nap{std::atoi(argv[1])};
  if (argc == 2) {
    sleep_then_greet(nap);
  } else {
    work(nap, argv[2]);
  }
}
