// Windows in coroutines.
#include "mapwire/endpoints/async_window.h"

#include <gtest/gtest.h>

#include <array>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <system_error>
#include <vector>

#include "tests/endpoints/window_fixture.h"

namespace mapwire {
namespace {

using asio::use_awaitable;
using testing::pattern;

// The coroutines below are lambdas that capture: each is a local that outlives io_.run().
// NOLINTBEGIN(cppcoreguidelines-avoid-capturing-lambda-coroutines)

class AsyncWindowTest : public testing::WindowFixture {
 protected:
  template <class Coroutine>
  void run(const Coroutine& coroutine) {
    asio::co_spawn(io_, coroutine(), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    io_.run();  // returns when nothing is pending any more
  }
  auto import_async(const std::string& name) {
    return AsyncWindow::async_import(client_, address(name), {.timeout_ns = testing::kPatienceNs},
                                     use_awaitable);
  }

  asio::io_context io_;
  AsyncContext client_{io_.get_executor(), std::move(importer_)};
};

TEST_P(AsyncWindowTest, every_access_can_be_awaited) {
  const Export exported = export_all("all", {.rights = {.atomics = true}});
  run([this, &exported]() -> asio::awaitable<void> {
    AsyncWindow window = co_await import_async("all");
    EXPECT_EQ(window.window().bytes(), memory_.memory().size());
    await_imports(exported, 1);
    const auto source = pattern(5000, 1);
    std::vector<std::byte> target(5000);
    std::size_t bytes = co_await window.async_put(100, source, use_awaitable);
    EXPECT_EQ(bytes, source.size());
    bytes = co_await window.async_get(100, target, use_awaitable);
    EXPECT_EQ(bytes, source.size());
    EXPECT_EQ(target, source);
    std::uint64_t original = co_await window.async_fetch_add(8, 5, use_awaitable);
    EXPECT_EQ(original, 0U);
    original = co_await window.async_compare_swap(8, 5, 6, use_awaitable);
    EXPECT_EQ(original, 5U);
    bytes = co_await window.async_put_notify(0, std::span{source}.first(8), 9, use_awaitable);
    EXPECT_EQ(bytes, 8U);
    bytes = co_await window.async_flush(use_awaitable);
    EXPECT_EQ(bytes, 0U);
  });
  const Completion told = testing::next_completion(exporter_);
  EXPECT_EQ(told.operation, Operation::kNotification);
  EXPECT_EQ(told.immediate, 9U);
}

TEST_P(AsyncWindowTest, an_import_waits_while_the_loop_goes_on) {
  std::optional<Export> exported;
  asio::steady_timer timer{io_, std::chrono::milliseconds{50}};
  timer.async_wait([&](std::error_code) { exported.emplace(export_all("late")); });
  run([this]() -> asio::awaitable<void> {
    const AsyncWindow window = co_await import_async("late");
  });
  EXPECT_TRUE(exported);
}

TEST_P(AsyncWindowTest, what_is_refused_says_so_and_the_window_lives) {
  const Export exported = export_all("r", {.rights = {.write = false}});
  run([this]() -> asio::awaitable<void> {
    AsyncWindow window = co_await import_async("r");
    std::array<std::byte, 8> word{};
    const auto refused = make_error_code(Code::kRemoteAccess);
    try {
      co_await window.async_put(0, word, use_awaitable);
      ADD_FAILURE() << "written without the right";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), refused);
    }
    try {
      co_await window.async_get(window.window().bytes() - 7, word, use_awaitable);
      ADD_FAILURE() << "read beyond the end";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), refused);
    }
    const std::size_t bytes = co_await window.async_get(0, word, use_awaitable);
    EXPECT_EQ(bytes, word.size());
  });
}

TEST_P(AsyncWindowTest, an_import_that_fails_says_why) {
  const Export exported = export_all("secret", {.token = "sesame"});
  run([this]() -> asio::awaitable<void> {
    try {
      co_await import_async("secret");
      ADD_FAILURE() << "imported without the token";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), make_error_code(Code::kPermission));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(nics, AsyncWindowTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow,
                                           testing::kLeasedWindow, testing::kVerbsWindow),
                         testing::column_name);

// NOLINTEND(cppcoreguidelines-avoid-capturing-lambda-coroutines)

}  // namespace
}  // namespace mapwire
