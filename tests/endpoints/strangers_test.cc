// Who connects to a listener without being an honest peer, or is reached instead of one.
#include <gtest/gtest.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <cstdint>
#include <future>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/control.h"
#include "mapwire/endpoints/detail/set_up_messages.h"
#include "mapwire/runtime/clock.h"
#include "mapwire/runtime/version.h"
#include "tests/endpoints/counter_reaches.h"
#include "tests/endpoints/pair.h"
#include "tests/endpoints/stranger.h"

namespace mapwire {
namespace {

using asio::ip::tcp;
using proto::control::Message;
using testing::counter_reaches;
using testing::kSecondNs;
using testing::Stranger;
using testing::value_of;

// A request in order, of a peer that has no queue pair.
Message make_request(std::uint32_t connection) {
  Message message;
  auto& request = *message.mutable_connect_request();
  request.set_connection(connection);
  request.set_receive_entries(64);
  request.set_deadline_ns(kSecondNs);
  auto& candidate = *request.add_candidates();
  candidate.set_nic("soft");
  candidate.set_wire("udp");
  candidate.mutable_queue_pair()->set_ip(std::string{"\x7f\x00\x00\x01", 4});
  candidate.mutable_queue_pair()->set_udp_port(9);
  candidate.mutable_queue_pair()->set_path_mtu_max(1024);
  return message;
}

class StrangersTest : public ::testing::Test {
 protected:
  // An honest peer still gets through.
  void expect_serves() {
    Context client = value_of(Context::create());
    auto [accepted, connected] = testing::connect(client, listener_);
    EXPECT_FALSE(accepted.error());
  }

  Context server_ = value_of(Context::create());
  Listener listener_ = value_of(server_.listen({.address = "127.0.0.1:0"}));
};

TEST_F(StrangersTest, garbage_is_closed_and_counted) {
  Stranger stranger{listener_.port()};
  stranger.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(stranger.closed_without_a_word());
  EXPECT_TRUE(counter_reaches("control.hello_failed", 1));
  expect_serves();
}

TEST_F(StrangersTest, a_hello_that_is_too_long_is_closed) {
  Stranger stranger{listener_.port()};
  Message hello = stranger.hello();
  hello.mutable_hello()->set_mapwire_version(std::string(1000, 'x'));
  stranger.send(hello);
  EXPECT_TRUE(stranger.closed_without_a_word());
  expect_serves();
}

TEST_F(StrangersTest, a_peer_of_another_version_is_told_ours) {
  Stranger stranger{listener_.port()};
  Message hello = stranger.hello();
  hello.mutable_hello()->set_protocol_version(kControlVersion + 1);
  stranger.send(hello);
  const Message answer = stranger.receive();
  ASSERT_TRUE(answer.has_hello());
  EXPECT_EQ(answer.hello().protocol_version(), kControlVersion);
  EXPECT_TRUE(stranger.closed_without_a_word());
  EXPECT_TRUE(counter_reaches("control.version_mismatches", 1));
  expect_serves();
}

TEST_F(StrangersTest, a_server_of_another_version_fails_connect_with_both_versions) {
  asio::io_context io;
  tcp::acceptor other{io, {asio::ip::address_v4::loopback(), 0}};
  const std::string address = "127.0.0.1:" + std::to_string(other.local_endpoint().port());
  auto connecting =
      std::async(std::launch::async, [&] { return server_.connect(address).error(); });
  Stranger stranger{io, other.accept()};
  EXPECT_TRUE(stranger.receive().has_hello());
  Message hello = stranger.hello();
  hello.mutable_hello()->set_protocol_version(77);
  hello.mutable_hello()->set_mapwire_version("9.8.7");
  stranger.send(hello);
  const Error error = connecting.get();
  EXPECT_EQ(error.code, Code::kVersionMismatch);
  EXPECT_NE(error.message.find("77"), std::string::npos);
  EXPECT_NE(error.message.find("9.8.7"), std::string::npos);
}

TEST_F(StrangersTest, a_server_that_is_no_mapwire_fails_connect) {
  asio::io_context io;
  tcp::acceptor other{io, {asio::ip::address_v4::loopback(), 0}};
  const std::string address = "127.0.0.1:" + std::to_string(other.local_endpoint().port());
  auto connecting =
      std::async(std::launch::async, [&] { return server_.connect(address).error(); });
  Stranger stranger{io, other.accept()};
  stranger.send("SSH-2.0-OpenSSH_9.2p1\r\n");
  EXPECT_EQ(connecting.get().code, Code::kProtocolError);
}

TEST_F(StrangersTest, silent_ones_are_limited_and_leave_room_when_they_go) {
  std::list<Stranger> silent;
  for (std::size_t i = 0; i < detail::kStrangersMax; ++i) silent.emplace_back(listener_.port());
  ASSERT_TRUE(counter_reaches("control.links_accepted", detail::kStrangersMax));
  // Expect: one more is closed at once, an honest peer or not.
  EXPECT_TRUE(Stranger{listener_.port()}.closed_without_a_word());
  silent.clear();
  expect_serves();
}

TEST_F(StrangersTest, a_silent_one_is_closed_after_its_time) {
  const std::uint64_t begin_ns = now_ns();
  Stranger stranger{listener_.port()};
  EXPECT_TRUE(stranger.closed_without_a_word());
  EXPECT_GE(now_ns() - begin_ns, detail::kHelloTimeoutNs);
  EXPECT_TRUE(counter_reaches("control.hello_failed", 1));
}

TEST_F(StrangersTest, messages_that_no_peer_sends_close_the_link_and_nothing_else) {
  Context client = value_of(Context::create());
  auto [accepted, connected] = testing::connect(client, listener_);
  {
    Stranger stranger{listener_.port()};
    stranger.send(stranger.hello());
    EXPECT_TRUE(stranger.receive().has_hello());
    stranger.send(stranger.hello());
    while (!stranger.closed_without_a_word()) {
    }
  }
  // Receive: a reply to nothing. Expect: ignored, it may be late.
  Stranger stranger{listener_.port()};
  stranger.send(stranger.hello());
  EXPECT_TRUE(stranger.receive().has_hello());
  Message reply;
  reply.mutable_connect_reply()->set_connection(1);
  stranger.send(reply);
  // Receive: a request without anything in it. Expect: refused, not served.
  Message request;
  request.mutable_connect_request()->set_connection(1);
  stranger.send(request);
  Message answer = stranger.receive();
  while (answer.has_keep_alive()) answer = stranger.receive();
  ASSERT_TRUE(answer.has_connect_reply());
  EXPECT_EQ(answer.connect_reply().code(), static_cast<std::uint32_t>(Code::kProtocolError));
  EXPECT_FALSE(accepted.error());
  EXPECT_FALSE(connected.error());
}

TEST_F(StrangersTest, the_data_path_goes_only_where_the_link_comes_from) {
  Stranger stranger{listener_.port()};
  stranger.send(stranger.hello());
  EXPECT_TRUE(stranger.receive().has_hello());
  Message message = make_request(1);
  message.mutable_connect_request()->mutable_candidates(0)->mutable_queue_pair()->set_ip(
      std::string{"\xc0\x00\x02\x01", 4});  // somebody else's
  stranger.send(message);
  Message answer = stranger.receive();
  while (answer.has_keep_alive()) answer = stranger.receive();
  EXPECT_EQ(answer.connect_reply().code(), static_cast<std::uint32_t>(Code::kProtocolError));
}

TEST_F(StrangersTest, one_with_many_requests_is_refused_and_leaves_room_for_others) {
  Stranger stranger{listener_.port()};
  stranger.send(stranger.hello());
  EXPECT_TRUE(stranger.receive().has_hello());
  for (std::uint32_t i = 1; i <= detail::kSetUpsPerLinkMax + 1; ++i) {
    stranger.send(make_request(i));
  }
  Message refusal = stranger.receive();
  while (refusal.has_keep_alive() ||
         (refusal.has_connect_reply() && refusal.connect_reply().code() == 0)) {
    refusal = stranger.receive();
  }
  ASSERT_TRUE(refusal.has_connect_reply());
  EXPECT_EQ(refusal.connect_reply().connection(), detail::kSetUpsPerLinkMax + 1);
  EXPECT_EQ(refusal.connect_reply().code(), static_cast<std::uint32_t>(Code::kLimitReached));
  expect_serves();
}

// A TCP relay, as an address translation is one: both sides see the relay's addresses.
class Relay {
 public:
  explicit Relay(std::uint16_t port) : server_port_{port} {
    thread_ = std::jthread{[this] { run(); }};
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay() { io_.stop(); }
  std::string address() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }

 private:
  void run() {
    acceptor_.async_accept([this](asio::error_code failure, tcp::socket client) {
      if (failure) return;
      client_ = std::move(client);
      server_.connect({asio::ip::address_v4::loopback(), server_port_});
      copy(client_, server_, to_server_);
      copy(server_, client_, to_client_);
    });
    io_.run();
  }

  void copy(tcp::socket& from, tcp::socket& to, std::array<std::byte, 4096>& bytes) {
    from.async_read_some(asio::buffer(bytes), [&](asio::error_code failure, std::size_t count) {
      asio::error_code gone;
      if (!failure) asio::write(to, asio::buffer(bytes, count), gone);
      if (failure || gone) {
        to.close(gone);
        return;
      }
      copy(from, to, bytes);
    });
  }

  asio::io_context io_;
  tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
  std::uint16_t server_port_;
  tcp::socket client_{io_};
  tcp::socket server_{io_};
  std::array<std::byte, 4096> to_server_{};
  std::array<std::byte, 4096> to_client_{};
  std::jthread thread_;
};

TEST_F(StrangersTest, an_address_translation_fails_connect_and_is_counted_by_the_listener) {
  Relay relay{listener_.port()};
  Context client = value_of(Context::create());
  const auto connected = client.connect(relay.address());
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().code, Code::kAddressTranslated);
  EXPECT_TRUE(counter_reaches("control.address_translations", 1));
}

}  // namespace
}  // namespace mapwire
