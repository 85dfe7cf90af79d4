// A server and a client as on two hosts, whose connections are set up in the way that a scheme in
// front of the address says: two soft NICs at two addresses of a loopback of their own, or both on
// the RDMA device of this machine.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/runtime/verbs/verbs_device.h"
#include "tests/endpoints/own_network.h"
#include "tests/endpoints/pair.h"

namespace mapwire::testing {

struct Way {
  std::string name;
  std::string scheme;  // "" for set-up over TCP, or "rdma://"
  NicChoice nic = NicChoice::kSoft;
};
inline std::ostream& operator<<(std::ostream& out, const Way& way) { return out << way.name; }

// An address of a device that a queue pair can use, or nothing.
inline std::optional<std::string> device_address() {
  const auto devices = list_verbs_devices();
  if (!devices) return std::nullopt;
  for (const VerbsCandidate& candidate : judge_candidates(*devices, std::nullopt)) {
    const proto::IpAddress& address = candidate.gid.address;
    if (candidate.rejection.empty() && address.family == proto::IpFamily::kV4) {
      return proto::to_string(address);
    }
  }
  return std::nullopt;
}

class TwoHosts : public ::testing::Test {
 protected:
  explicit TwoHosts(Way way) : way_{std::move(way)} {}

  void SetUp() override {
    if (way_.nic == NicChoice::kVerbs) {
      const auto device = device_address();
      ASSERT_TRUE(device) << "no RDMA device here";
      host_ = *device;
    } else if (!enter_own_network()) {
      GTEST_SKIP() << "no network namespace of our own: UDP port 4791 may have another owner here";
    }
    for (ContextOptions* options : {&server_options_, &client_options_}) {
      options->nic = way_.nic;
      options->address = address();
    }
    server_.emplace(value_of(Context::create(server_options_)));
    client_.emplace(value_of(Context::create(client_options_)));
    listener_.emplace(value_of(server_->listen({.address = address(), .endpoint = served_})));
  }

  // Of the server.
  std::string address(std::uint16_t port = 7174) const {
    return way_.scheme + host_ + ":" + std::to_string(port);
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

  const Way way_;
  std::string host_ = "127.0.0.2";  // of the server
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
