// Tripwires in coroutines.
#include "mapwire/endpoints/async_tripwire.h"

#include <gtest/gtest.h>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "tests/endpoints/window_fixture.h"

namespace mapwire {
namespace {

using asio::use_awaitable;
using testing::value_of;

// The coroutines below are lambdas that capture: each is a local that outlives io_.run().
// NOLINTBEGIN(cppcoreguidelines-avoid-capturing-lambda-coroutines)

class AsyncTripwireTest : public testing::WindowFixture {
 protected:
  template <class Coroutine>
  void run(const Coroutine& coroutine) {
    asio::co_spawn(io_, coroutine(), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    io_.run();  // returns when nothing is pending any more
  }
  void put(std::uint64_t offset) {
    ASSERT_EQ(window_.put(offset, std::span{source_}, 1), Code::kOk);
    expect_done(window_, 1);
  }

  asio::io_context io_;
  AsyncContext server_{io_.get_executor(), std::move(exporter_)};
  Export exported_ = value_of(memory_.export_by(server_.context(), "all", {.tripwires = true}));
  Window window_ = value_of(import_window("all"));
  const std::vector<std::byte> source_ = std::vector<std::byte>(1);
};

TEST_P(AsyncTripwireTest, a_trip_can_be_awaited) {
  AsyncTripwire wire{server_, value_of(exported_.set_tripwire(8, 8))};
  run([&]() -> asio::awaitable<void> {
    wire.arm();
    put(8);
    co_await wire.async_wait(use_awaitable);  // it came before
    wire.arm();
    const std::jthread later{[this] {
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
      put(15);
    }};
    co_await wire.async_wait(use_awaitable);
  });
}

TEST_P(AsyncTripwireTest, a_wait_ends_once) {
  std::optional<AsyncTripwire> wire{std::in_place, server_, value_of(exported_.set_tripwire(0, 8))};
  std::vector<std::error_code> ends;
  const auto note = [&](std::error_code error, std::size_t) { ends.push_back(error); };
  wire->arm();
  wire->async_wait(note);
  wire->async_wait(note);
  wire->cancel();
  put(0);
  wire->async_wait(note);
  wire.reset();
  io_.run();
  EXPECT_EQ(ends, std::vector(3, make_error_code(Code::kFlushed)));
}

TEST_P(AsyncTripwireTest, what_tripped_before_it_was_armed_is_forgotten) {
  AsyncTripwire wire{server_, value_of(exported_.set_tripwire(0, 8))};
  wire.arm();
  put(0);
  wire.arm();
  bool told = false;
  wire.async_wait([&](std::error_code, std::size_t) { told = true; });
  io_.run_for(std::chrono::milliseconds{50});
  EXPECT_FALSE(told);
  put(0);
  io_.restart();
  io_.run();
  EXPECT_TRUE(told);
}

// NOLINTEND(cppcoreguidelines-avoid-capturing-lambda-coroutines)

INSTANTIATE_TEST_SUITE_P(Nics, AsyncTripwireTest, ::testing::Values(testing::kSoftWindow),
                         testing::column_name);

}  // namespace
}  // namespace mapwire
