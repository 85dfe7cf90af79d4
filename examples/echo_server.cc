// An echo server of coroutines on Asio, and its client:
//
//   echo_server                        # in one shell; any number of clients, until Ctrl-C
//   echo_server 127.0.0.1 hello world  # in another
#include <array>
#include <asio.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mapwire/endpoints/async.h"

namespace {

using asio::use_awaitable;

constexpr std::size_t kMessageBytesMax = 4096;

// Sends every message back until the client leaves.
asio::awaitable<void> echo(mapwire::AsyncContext& context, mapwire::Endpoint endpoint) {
  std::array<std::byte, kMessageBytesMax> buffer{};
  try {
    while (true) {
      const auto received =
          co_await context.async_receive(endpoint, mapwire::MutableBuffer{buffer}, use_awaitable);
      const auto message = std::span{buffer}.first(received.bytes);
      co_await context.async_send(endpoint, mapwire::ConstBuffer{message}, use_awaitable);
    }
  } catch (const std::system_error& end) {
    // A receive that was waiting ends with kFlushed; the endpoint knows why.
    const auto why = endpoint.error();
    std::printf("client %s: %s\n", endpoint.info().remote.c_str(),
                why ? why->message.c_str() : end.what());
  }
}

asio::awaitable<void> serve(mapwire::AsyncContext& context, mapwire::Listener& listener) {
  const auto executor = co_await asio::this_coro::executor;
  while (true) {
    auto endpoint = co_await context.async_accept(listener, use_awaitable);
    asio::co_spawn(executor, echo(context, std::move(endpoint)), asio::detached);
  }
}

asio::awaitable<void> ask(mapwire::AsyncContext& context, std::span<char*> arguments) {
  auto endpoint = co_await context.async_connect(arguments[0], {}, use_awaitable);
  for (const std::string_view word : arguments.subspan(1)) {
    std::array<std::byte, kMessageBytesMax> answer{};
    co_await context.async_send(endpoint, mapwire::ConstBuffer{std::as_bytes(std::span{word})},
                                use_awaitable);
    const auto received =
        co_await context.async_receive(endpoint, mapwire::MutableBuffer{answer}, use_awaitable);
    std::printf("%.*s\n", static_cast<int>(received.bytes),
                reinterpret_cast<const char*>(answer.data()));
  }
}

void run(std::span<char*> arguments) {
  asio::io_context loop{1};
  auto made = mapwire::Context::create();
  if (!made) throw std::runtime_error{made.error().message};
  mapwire::AsyncContext context{loop.get_executor(), std::move(*made)};
  const auto rethrow = [](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  };
  if (!arguments.empty()) {
    asio::co_spawn(loop, ask(context, arguments), [&](const std::exception_ptr& error) {
      loop.stop();
      rethrow(error);
    });
    loop.run();
    return;
  }
  auto listener = context.context().listen();
  if (!listener) throw std::runtime_error{listener.error().message};
  std::printf("listening on %s\n", listener->addresses().front().c_str());
  std::fflush(stdout);
  asio::signal_set stop{loop, SIGINT, SIGTERM};
  stop.async_wait([&](std::error_code, int) { loop.stop(); });
  asio::co_spawn(loop, serve(context, *listener), rethrow);
  loop.run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(std::span{argv, static_cast<std::size_t>(argc)}.subspan(1));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "echo_server: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
