// Look-ups of names that nobody answers, or too late.
#include "mapwire/endpoints/detail/resolver.h"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/runtime/clock.h"
#include "tests/endpoints/pair.h"

namespace mapwire::detail {
namespace {

using Result = std::expected<Resolver::Endpoints, Error>;

Resolver::Endpoints some_host() { return {{asio::ip::make_address("192.0.2.1"), 7}}; }

// A name server that is silent until told to answer.
class SilentServer {
 public:
  Resolver::LookUp look_up() const {
    return [told = told_](const std::string&, std::uint16_t) -> Resolver::Answer {
      told.wait();
      return some_host();
    };
  }
  void answer() { tell_.set_value(); }

 private:
  std::promise<void> tell_;
  std::shared_future<void> told_ = tell_.get_future().share();
};

class ResolverTest : public ::testing::Test {
 protected:
  void begin(std::uint64_t deadline_ns) {
    spawn(*io_, resolve(*resolver_, {.host = "a.name", .port = 7}, deadline_ns, result_));
  }

  static asio::awaitable<void> resolve(Resolver& resolver, HostPort address,
                                       std::uint64_t deadline_ns, std::optional<Result>& result) {
    result = co_await resolver.resolve(address, deadline_ns);
  }

  SilentServer server_;
  std::optional<asio::io_context> io_{std::in_place};
  std::optional<Resolver> resolver_{std::in_place, *io_, server_.look_up()};
  std::optional<Result> result_;
};

TEST_F(ResolverTest, a_name_that_no_server_knows_in_time_is_unknown) {
  begin(now_ns() + 1'000'000);
  io_->run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->error().code, Code::kUnknownHost);
  // Expect: the late answer is for nobody.
  server_.answer();
  io_->restart();
  io_->run_for(std::chrono::milliseconds{10});
  EXPECT_EQ(result_->error().code, Code::kUnknownHost);
}

TEST_F(ResolverTest, an_answer_ends_a_wait_without_a_deadline) {
  begin(UINT64_MAX);
  io_->poll();
  EXPECT_FALSE(result_);
  server_.answer();
  io_->run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(**result_, some_host());
}

TEST_F(ResolverTest, the_end_waits_for_no_server) {
  begin(UINT64_MAX);
  io_->poll();
  resolver_->shut_down();
  io_->run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(result_->error().code, Code::kEndpointClosed);
  resolver_.reset();
  io_.reset();
  server_.answer();
}

TEST_F(ResolverTest, a_numeric_address_needs_no_server) {
  spawn(*io_, resolve(*resolver_, {.host = "192.0.2.1", .port = 7}, 0, result_));
  io_->run();
  ASSERT_TRUE(result_);
  EXPECT_EQ(**result_, some_host());
}

}  // namespace
}  // namespace mapwire::detail
