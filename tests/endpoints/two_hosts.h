// A server and a client as on two hosts, at two addresses of a loopback of their own, whose
// connections are set up in the way that a scheme in front of the address says.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "tests/endpoints/own_network.h"
#include "tests/endpoints/pair.h"

namespace mapwire::testing {

class TwoHosts : public ::testing::Test {
 protected:
  // `scheme`: "" for set-up over TCP, or "rdma://".
  explicit TwoHosts(std::string scheme) : scheme_{std::move(scheme)} {}

  void SetUp() override {
    if (!enter_own_network()) {
      GTEST_SKIP() << "no network namespace of our own: UDP port 4791 may have another owner here";
    }
    server_.emplace(value_of(Context::create(server_options_)));
    client_.emplace(value_of(Context::create(client_options_)));
    listener_.emplace(value_of(server_->listen({.address = address(), .endpoint = served_})));
  }

  // Of the server.
  std::string address(std::uint16_t port = 7174) const {
    return scheme_ + "127.0.0.2:" + std::to_string(port);
  }

  // All that rdma:// knows.
  static ConnectOptions plain(ConnectOptions options = {}) {
    options.endpoint.profile = Profile::kPlain;
    return options;
  }

  void connect(const ConnectOptions& options = {}) {
    auto accepting = std::async(std::launch::async, [&] { return listener_->accept(kPatienceNs); });
    connected_.emplace(value_of(client_->connect(address(), plain(options))));
    accepted_.emplace(value_of(accepting.get()));
  }

  // Sends `bytes` bytes and expects them at the other end, whose context has a helper thread: this
  // thread serves the sender first.
  static void expect_message(Context& from_context, Endpoint& from, Context& to_context,
                             Endpoint& to, std::size_t bytes) {
    const auto sent = pattern(bytes, 1);
    std::vector<std::byte> received(bytes);
    ASSERT_EQ(to.post_receive(received, 2), Code::kOk);
    ASSERT_EQ(from.post_send(sent, 1), Code::kOk);
    EXPECT_EQ(next_completion(from_context).status, Code::kOk);
    const Completion arrived = next_completion(to_context);
    EXPECT_EQ(arrived.status, Code::kOk);
    EXPECT_EQ(arrived.bytes, bytes);
    EXPECT_EQ(received, sent);
  }
  void expect_messages_both_ways(std::size_t bytes) {
    expect_message(*client_, *connected_, *server_, *accepted_, bytes);
    expect_message(*server_, *accepted_, *client_, *connected_, bytes);
  }

  // Polls until the endpoint has ended, and answers why.
  static Code end_of(Context& context, const Endpoint& endpoint) {
    const auto begin = std::chrono::steady_clock::now();
    while (!endpoint.error() &&
           std::chrono::steady_clock::now() - begin < std::chrono::nanoseconds{kPatienceNs}) {
      Completion completion;
      context.wait({&completion, 1}, kSecondNs / 100);
    }
    return endpoint.error() ? endpoint.error()->code : Code::kTimeout;
  }

  const std::string scheme_;
  ContextOptions server_options_;
  ContextOptions client_options_;
  EndpointOptions served_;
  std::optional<Context> server_;
  std::optional<Context> client_;
  std::optional<Listener> listener_;
  std::optional<Endpoint> accepted_;
  std::optional<Endpoint> connected_;
};

}  // namespace mapwire::testing
