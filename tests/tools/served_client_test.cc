#include "tools/served_client.h"

#include <array>
#include <expected>
#include <future>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapwire/endpoints/context.h"
#include "tools/test_messages.h"

namespace mapwire::tools {
namespace {

constexpr std::uint64_t kPatienceNs = 60'000'000'000;

TEST(served_client, that_asks_for_a_test_and_says_nothing_more_does_not_keep_the_server) {
  auto server = Context::create();
  auto client = Context::create();
  ASSERT_TRUE(server && client);
  auto listener = server->listen({.address = "127.0.0.1:0"});
  ASSERT_TRUE(listener) << listener.error().message;
  auto served = std::async(std::launch::async, [&]() -> std::expected<std::string, Error> {
    auto endpoint = listener->accept(kPatienceNs);
    if (!endpoint) return std::unexpected(endpoint.error());
    return serve_client(*server, std::move(*endpoint), TestOptions{});
  });
  const auto wish = encode(TestRequest{.bytes_min = 8, .bytes_max = 8, .memory = {}});
  auto endpoint = client->connect("127.0.0.1:" + std::to_string(listener->port()),
                                  {.endpoint = {.private_data = wish}});
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  // The client's library keeps the connection alive.
  const auto result = served.get();
  ASSERT_FALSE(result) << *result;
  EXPECT_EQ(result.error().code, Code::kTimeout);
  EXPECT_THAT(result.error().message, ::testing::HasSubstr("said nothing for 10.0 s"));
}

}  // namespace
}  // namespace mapwire::tools
