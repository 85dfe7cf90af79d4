#include "mapwire/endpoints/async.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "mapwire/endpoints/window.h"
#include "tests/endpoints/pair.h"

namespace mapwire {
namespace {

using asio::use_awaitable;
using testing::pattern;
using testing::value_of;

// The coroutines below are lambdas that capture: each is a local that outlives io_.run().
// NOLINTBEGIN(cppcoreguidelines-avoid-capturing-lambda-coroutines)

// Rethrows: a failed expectation of a coroutine is not to be lost.
constexpr auto kRethrow = [](const std::exception_ptr& thrown) {
  if (thrown) std::rethrow_exception(thrown);
};

class AsyncTest : public ::testing::TestWithParam<Progress> {
 protected:
  Context make_context() { return value_of(Context::create({.progress = GetParam()})); }

  asio::io_context io_;
  std::optional<AsyncContext> server_{std::in_place, io_.get_executor(), make_context()};
  std::optional<AsyncContext> client_{std::in_place, io_.get_executor(), make_context()};
  std::optional<Listener> listener_{
      value_of(server_->context().listen({.address = "127.0.0.1:0"}))};
};

TEST_P(AsyncTest, coroutines_echo) {
  constexpr int kMessages = 100;
  const auto serve = [this]() -> asio::awaitable<void> {
    Endpoint endpoint = co_await server_->async_accept(*listener_, use_awaitable);
    std::vector<std::byte> buffer(10000);
    for (int i = 0; i < kMessages; ++i) {
      const Completion received = co_await server_->async_receive(endpoint, buffer, use_awaitable);
      const std::span message = std::span{buffer}.first(received.bytes);
      co_await server_->async_send(endpoint, message, use_awaitable);
    }
  };
  const auto ask = [this]() -> asio::awaitable<void> {
    const std::string address = testing::loopback(*listener_);
    Endpoint endpoint = co_await client_->async_connect(address, {}, use_awaitable);
    std::vector<std::byte> answer(10000);
    for (int i = 0; i < kMessages; ++i) {
      const auto question = pattern(static_cast<std::size_t>(i) * 100, static_cast<unsigned>(i));
      co_await client_->async_send(endpoint, question, use_awaitable);
      const Completion received = co_await client_->async_receive(endpoint, answer, use_awaitable);
      EXPECT_EQ(received.bytes, question.size());
      EXPECT_TRUE(std::ranges::equal(std::span{answer}.first(received.bytes), question));
    }
  };
  asio::co_spawn(io_, serve(), kRethrow);
  asio::co_spawn(io_, ask(), kRethrow);
  io_.run();  // Expect: it returns when both have ended, because nothing is pending then.
}

TEST_P(AsyncTest, one_sided_operations_answer_with_their_results) {
  MemoryRegion region = value_of(server_->context().allocate(
      4096, {.remote_read = true, .remote_write = true, .remote_atomic = true}));
  const auto serve = [this]() -> asio::awaitable<void> {
    Endpoint endpoint = co_await server_->async_accept(*listener_, use_awaitable);
    // Receive: the notification that the client is done.
    const Completion done =
        co_await server_->async_receive(endpoint, std::span<std::byte>{}, use_awaitable);
    EXPECT_EQ(done.operation, Operation::kReceiveWrite);
    EXPECT_EQ(done.immediate, 5U);
  };
  const auto ask = [&]() -> asio::awaitable<void> {
    const std::string address = testing::loopback(*listener_);
    Endpoint endpoint = co_await client_->async_connect(address, {}, use_awaitable);
    const auto source = pattern(1000, 1);
    const RemoteBuffer target = region.remote();
    std::size_t bytes = co_await client_->async_write(endpoint, source, target, use_awaitable);
    EXPECT_EQ(bytes, 1000U);
    std::vector<std::byte> back(1000);
    bytes = co_await client_->async_read(endpoint, back, target, use_awaitable);
    EXPECT_EQ(back, source);
    const RemoteBuffer word = target.at(2048);
    std::uint64_t old = co_await client_->async_fetch_add(endpoint, word, 7, use_awaitable);
    EXPECT_EQ(old, 0U);
    old = co_await client_->async_compare_swap(endpoint, word, 7, 9, use_awaitable);
    EXPECT_EQ(old, 7U);
    co_await client_->async_write(endpoint, source, target, 5, use_awaitable);
  };
  asio::co_spawn(io_, serve(), kRethrow);
  asio::co_spawn(io_, ask(), kRethrow);
  io_.run();
}

TEST_P(AsyncTest, more_sends_than_the_queue_holds_wait_inside_and_keep_their_order) {
  constexpr std::uint32_t kMessages = 500;
  std::uint32_t sent = 0;
  std::optional<Endpoint> connected;
  const auto serve = [this]() -> asio::awaitable<void> {
    Endpoint endpoint = co_await server_->async_accept(*listener_, use_awaitable);
    for (std::uint32_t expected = 0; expected < kMessages; ++expected) {
      std::uint32_t number = 0;
      const auto buffer = std::as_writable_bytes(std::span{&number, 1});
      co_await server_->async_receive(endpoint, buffer, use_awaitable);
      EXPECT_EQ(number, expected);
    }
  };
  client_->async_connect(
      testing::loopback(*listener_), {}, [&](std::error_code error, Endpoint endpoint) {
        ASSERT_FALSE(error) << error.message();
        connected.emplace(std::move(endpoint));
        for (std::uint32_t i = 0; i < kMessages; ++i) {
          const auto kept = std::make_shared<std::uint32_t>(i);
          const auto bytes = std::as_bytes(std::span{kept.get(), 1});
          client_->async_send(*connected, bytes,
                              [&sent, kept](std::error_code failure, std::size_t) {
                                EXPECT_FALSE(failure) << failure.message();
                                ++sent;
                              });
        }
      });
  asio::co_spawn(io_, serve(), kRethrow);
  io_.run();
  EXPECT_EQ(sent, kMessages);
}

TEST_P(AsyncTest, errors_are_codes_of_the_mapwire_category) {
  std::error_code refused;
  client_->async_connect("127.0.0.1:1", {.timeout_ns = 1'000'000},
                         [&](std::error_code error, const Endpoint&) { refused = error; });
  io_.run();
  EXPECT_EQ(refused, make_error_code(Code::kConnectionRefused));
  EXPECT_STREQ(refused.category().name(), "mapwire");
  EXPECT_FALSE(refused.message().empty());
}

TEST_P(AsyncTest, destruction_ends_what_is_pending_with_its_code) {
  std::error_code accepting;
  std::error_code receiving;
  std::optional<Endpoint> accepted;
  std::optional<Endpoint> connected;
  std::array<std::byte, 8> buffer{};
  // Not before the client is through its connect, which would fail.
  const auto destroy_once_connected = [&] {
    if (accepted && connected) asio::post(io_, [&] { server_.reset(); });
  };
  server_->async_accept(*listener_, [&](std::error_code error, Endpoint endpoint) {
    ASSERT_FALSE(error);
    accepted.emplace(std::move(endpoint));
    server_->async_receive(*accepted, buffer, [&](std::error_code failure, const Completion&) {
      receiving = failure;
    });
    server_->async_accept(*listener_,
                          [&](std::error_code failure, const Endpoint&) { accepting = failure; });
    destroy_once_connected();
  });
  client_->async_connect(testing::loopback(*listener_), {},
                         [&](std::error_code error, Endpoint endpoint) {
                           EXPECT_FALSE(error);
                           connected.emplace(std::move(endpoint));
                           destroy_once_connected();
                         });
  io_.run();
  EXPECT_EQ(receiving, std::errc::operation_canceled);
  EXPECT_EQ(accepting, make_error_code(Code::kEndpointClosed));
}

TEST_P(AsyncTest, closing_an_endpoint_ends_its_operations) {
  std::error_code receiving;
  std::array<std::byte, 8> buffer{};
  // Both ends live until both are set up: an end that goes before ends the other's set-up.
  std::optional<Endpoint> accepted;
  std::optional<Endpoint> connected;
  const auto close_once_connected = [&] {
    if (accepted && connected) accepted->close();
  };
  const auto serve = [&]() -> asio::awaitable<void> {
    accepted = co_await server_->async_accept(*listener_, use_awaitable);
    server_->async_receive(*accepted, buffer, [&](std::error_code failure, const Completion&) {
      receiving = failure;
    });
    close_once_connected();
  };
  const auto connect = [&]() -> asio::awaitable<void> {
    connected = co_await client_->async_connect(testing::loopback(*listener_), {}, use_awaitable);
    close_once_connected();
  };
  asio::co_spawn(io_, serve(), kRethrow);
  asio::co_spawn(io_, connect(), kRethrow);
  io_.run();
  EXPECT_EQ(receiving, make_error_code(Code::kFlushed));
}

TEST_P(AsyncTest, notifications_come_to_their_handler) {
  std::array<std::byte, 8> memory{};
  const Export exported = value_of(server_->context().export_buffer("b", memory));
  std::vector<std::uint32_t> told;
  server_->on_notification([&](const Completion& notification) {
    told.push_back(notification.immediate);
    if (told.size() == 2) server_->on_notification({});
  });
  std::promise<void> over;
  auto importing = std::async(std::launch::async, [&, until = over.get_future()] {
    Context importer = value_of(Context::create());
    Window window = value_of(importer.import_buffer(testing::loopback(*listener_) + "/b"));
    const std::array<std::byte, 8> source{};
    EXPECT_EQ(window.put_notify(0, source, 7, 1), Code::kOk);
    EXPECT_EQ(window.put_notify(0, source, 8, 2), Code::kOk);
    until.wait();
  });
  io_.run();  // Expect: it returns when nobody waits for notifications any more.
  over.set_value();
  importing.get();
  EXPECT_EQ(told, (std::vector<std::uint32_t>{7, 8}));
}

INSTANTIATE_TEST_SUITE_P(progress, AsyncTest,
                         ::testing::Values(Progress::kPassive, Progress::kInline),
                         [](const auto& progress) {
                           return progress.param == Progress::kPassive ? "passive" : "inlined";
                         });

// NOLINTEND(cppcoreguidelines-avoid-capturing-lambda-coroutines)

}  // namespace
}  // namespace mapwire
