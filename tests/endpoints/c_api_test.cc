// The interface for C: that each call reaches the one it stands for, and how refusals are told.
#include "mapwire/endpoints/c_api.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <future>
#include <memory>
#include <string>

#include "mapwire/runtime/error.h"

namespace mapwire {
namespace {

constexpr std::uint64_t kMinuteNs = 60'000'000'000;

// An object of C's, which goes with this one.
template <class Object, void (*End)(Object*)>
struct Ender {
  void operator()(Object* object) const { End(object); }
};
template <class Object, void (*End)(Object*)>
using Owned = std::unique_ptr<Object, Ender<Object, End>>;
using OwnedContext = Owned<mapwire_context, mapwire_context_destroy>;
using OwnedListener = Owned<mapwire_listener, mapwire_listener_close>;
using OwnedEndpoint = Owned<mapwire_endpoint, mapwire_endpoint_close>;
using OwnedRegion = Owned<mapwire_region, mapwire_deregister>;

class CApi : public ::testing::Test {
 protected:
  void SetUp() override {
    mapwire_error error{};
    context_.reset(mapwire_context_create(&error));
    ASSERT_TRUE(context_) << error.message;
  }

  void connect() {
    mapwire_error error{};
    const OwnedListener listener{mapwire_listen(context_.get(), "127.0.0.1:0", &error)};
    ASSERT_TRUE(listener) << error.message;
    auto accepted = std::async(std::launch::async,
                               [&] { return mapwire_accept(listener.get(), kMinuteNs, nullptr); });
    const std::string address =
        "127.0.0.1:" + std::to_string(mapwire_listener_port(listener.get()));
    near_.reset(mapwire_connect(context_.get(), address.c_str(), 0, &error));
    far_.reset(accepted.get());
    ASSERT_TRUE(near_) << error.message;
    ASSERT_TRUE(far_);
  }

  mapwire_completion next() {
    mapwire_completion completion{};
    EXPECT_EQ(mapwire_wait(context_.get(), &completion, 1, kMinuteNs), 1U);
    EXPECT_EQ(completion.status, 0) << mapwire_code_name(completion.status);
    return completion;
  }

  OwnedContext context_;
  OwnedEndpoint near_;
  OwnedEndpoint far_;
};

TEST_F(CApi, a_message_arrives_and_both_posts_complete) {
  connect();
  std::array<char, 8> inbox{};
  ASSERT_EQ(mapwire_post_receive(far_.get(), inbox.data(), inbox.size(), 7), 0);
  int code = 0;
  while ((code = mapwire_post_send(near_.get(), "hello", 6, 9)) != 0) {
    ASSERT_STREQ(mapwire_code_name(code), "would_block");
    ASSERT_EQ(mapwire_poll(context_.get(), nullptr, 0), 0U);
  }
  for (int i = 0; i < 2; ++i) {
    const mapwire_completion completion = next();
    const bool received = completion.operation == MAPWIRE_RECEIVE;
    EXPECT_EQ(completion.cookie, received ? 7U : 9U);
    EXPECT_EQ(completion.endpoint, mapwire_endpoint_id(received ? far_.get() : near_.get()));
    EXPECT_EQ(completion.bytes, 6U);
  }
  EXPECT_STREQ(inbox.data(), "hello");
}

TEST_F(CApi, registered_memory_is_written_and_read_within_its_rights) {
  connect();
  std::array<std::uint64_t, 2> window{1, 2};
  const OwnedRegion region{mapwire_register(context_.get(), window.data(), sizeof(window),
                                            MAPWIRE_REMOTE_READ | MAPWIRE_REMOTE_WRITE, nullptr)};
  ASSERT_TRUE(region);
  mapwire_remote remote = mapwire_region_remote(region.get());
  EXPECT_EQ(remote.bytes, sizeof(window));
  const std::uint64_t written = 77;
  ASSERT_EQ(mapwire_post_write(near_.get(), &written, sizeof(written), remote, 1), 0);
  EXPECT_EQ(next().operation, MAPWIRE_WRITE);
  EXPECT_EQ(window[0], 77U);
  std::uint64_t read = 0;
  remote.address += sizeof(std::uint64_t);
  remote.bytes -= sizeof(std::uint64_t);
  ASSERT_EQ(mapwire_post_read(near_.get(), &read, sizeof(read), remote, 2), 0);
  EXPECT_EQ(next().operation, MAPWIRE_READ);
  EXPECT_EQ(read, 2U);
}

TEST_F(CApi, memory_without_the_right_is_not_written) {
  connect();
  std::uint64_t window = 1;
  const OwnedRegion region{
      mapwire_register(context_.get(), &window, sizeof(window), MAPWIRE_REMOTE_READ, nullptr)};
  const std::uint64_t written = 77;
  ASSERT_EQ(mapwire_post_write(near_.get(), &written, sizeof(written),
                               mapwire_region_remote(region.get()), 1),
            0);
  mapwire_completion completion{};
  ASSERT_EQ(mapwire_wait(context_.get(), &completion, 1, kMinuteNs), 1U);
  EXPECT_STREQ(mapwire_code_name(completion.status), "remote_access");
  EXPECT_EQ(window, 1U);
}

TEST_F(CApi, refusals_have_code_and_sentence_and_need_no_place_for_them) {
  mapwire_error error{};
  EXPECT_EQ(mapwire_connect(context_.get(), "no host", 1'000'000, &error), nullptr);
  EXPECT_NE(error.code, 0);
  EXPECT_NE(std::strlen(error.message), 0U);
  EXPECT_EQ(mapwire_connect(context_.get(), nullptr, 1'000'000, nullptr), nullptr);
  EXPECT_EQ(mapwire_listen(context_.get(), "no host", nullptr), nullptr);
  std::uint64_t memory = 0;
  EXPECT_EQ(mapwire_register(context_.get(), &memory, sizeof(memory), 8, &error), nullptr);
  EXPECT_EQ(error.code, static_cast<int>(Code::kInvalidArgument));
  EXPECT_EQ(mapwire_register(context_.get(), &memory, 0, 0, &error), nullptr);
  EXPECT_EQ(error.code, static_cast<int>(Code::kInvalidArgument));
}

TEST_F(CApi, whatever_is_told_ends_within_its_place) {
  mapwire_error error{};
  std::memset(&error, 'x', sizeof(error));
  const std::string address(4000, 'x');
  EXPECT_EQ(mapwire_connect(context_.get(), address.c_str(), 1'000'000, &error), nullptr);
  EXPECT_LT(strnlen(error.message, sizeof(error.message)), sizeof(error.message));
}

TEST_F(CApi, the_descriptor_becomes_readable_when_armed_and_a_message_comes) {
  connect();
  std::array<char, 8> inbox{};
  ASSERT_EQ(mapwire_post_receive(far_.get(), inbox.data(), inbox.size(), 7), 0);
  while (mapwire_arm(context_.get()) == 0) mapwire_poll(context_.get(), nullptr, 0);
  while (mapwire_post_send(near_.get(), "hello", 6, 9) != 0) {
    mapwire_poll(context_.get(), nullptr, 0);
  }
  pollfd descriptor{.fd = mapwire_event_fd(context_.get()), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&descriptor, 1, 60'000), 1);
  for (int i = 0; i < 2; ++i) next();  // before the inbox goes
}

TEST(CApiNames, are_those_of_the_codes) {
  for (const CodeEntry& entry : code_table()) {
    EXPECT_EQ(mapwire_code_name(static_cast<int>(entry.code)), entry.name);
  }
  for (int code : {-1, 60'000, 65'536, 65'536 + static_cast<int>(Code::kWouldBlock)}) {
    EXPECT_STREQ(mapwire_code_name(code), "unknown");
  }
}

}  // namespace
}  // namespace mapwire
