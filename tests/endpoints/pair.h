// Two contexts in this process with a connection between them, and helpers to wait for completions.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <future>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"

namespace mapwire::testing {

inline constexpr std::uint64_t kSecondNs = 1'000'000'000;
// How long a test waits for what must happen: far beyond any honest delay of a loaded machine.
inline constexpr std::uint64_t kPatienceNs = 60 * kSecondNs;

template <class T>
T value_of(std::expected<T, Error> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message;
    std::abort();
  }
  return std::move(*result);
}

inline std::vector<std::byte> pattern(std::size_t bytes, unsigned seed) {
  std::vector<std::byte> result(bytes);
  unsigned state = seed * 2654435761U + 1;
  for (std::byte& byte : result) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::byte>(state >> 24);
  }
  return result;
}

inline std::string loopback(const Listener& listener) {
  return "127.0.0.1:" + std::to_string(listener.port());
}

// Waits for the next completion; one with kTimeout if none comes.
inline Completion next_completion(Context& context, std::uint64_t timeout_ns = kPatienceNs) {
  Completion completion;
  const std::size_t count = context.wait({&completion, 1}, timeout_ns);
  if (count == 0) completion.status = Code::kTimeout;
  return completion;
}

struct PairOptions {
  ContextOptions server_context{};
  ContextOptions client_context{};
  ConnectOptions connect{};
  EndpointOptions listen{};
};

// The client connects to the server over the loopback. Destroyed in reverse order of declaration.
struct Pair {
  Context server;
  Context client;
  Listener listener;
  Endpoint accepted;
  Endpoint connected;
};

inline std::pair<Endpoint, Endpoint> connect(Context& client, Listener& listener,
                                             const ConnectOptions& options = {}) {
  auto accepted =
      std::async(std::launch::async, [&listener] { return listener.accept(kPatienceNs); });
  Endpoint connected = value_of(client.connect(loopback(listener), options));
  return {value_of(accepted.get()), std::move(connected)};
}

inline Pair make_pair(const PairOptions& options = {}) {
  Context server = value_of(Context::create(options.server_context));
  Context client = value_of(Context::create(options.client_context));
  Listener listener =
      value_of(server.listen({.address = "127.0.0.1:0", .endpoint = options.listen}));
  auto [accepted, connected] = connect(client, listener, options.connect);
  return {.server = std::move(server),
          .client = std::move(client),
          .listener = std::move(listener),
          .accepted = std::move(accepted),
          .connected = std::move(connected)};
}

}  // namespace mapwire::testing
