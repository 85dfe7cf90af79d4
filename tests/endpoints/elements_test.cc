// Requests of several buffers: what is gathered from them, and scattered to them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/endpoints/pinned_pair.h"
#include "tests/endpoints/window_fixture.h"

namespace mapwire {
namespace {

using testing::pattern;
using testing::value_of;
using Bytes = std::vector<std::byte>;
using Sources = std::array<ConstBuffer, kElementsMax>;
using Targets = std::array<MutableBuffer, kElementsMax>;

class ElementsTest : public testing::WindowFixture {};

TEST_P(ElementsTest, a_put_gathers_and_a_get_scatters) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  const Bytes all = pattern(9707, 1);
  const std::span<const std::byte> bytes{all};
  ASSERT_EQ(window.put(123, Sources{bytes.first(700), bytes.first(0), bytes.subspan(700)}, 1),
            Code::kOk);
  const Completion put = testing::next_completion(importer_);
  EXPECT_EQ(put.cookie, 1U);
  EXPECT_EQ(put.operation, Operation::kWrite);
  EXPECT_EQ(put.bytes, all.size());
  EXPECT_TRUE(std::ranges::equal(memory_.memory().subspan(123, all.size()), all));
  EXPECT_EQ(memory_.memory()[122], std::byte{0});
  EXPECT_EQ(memory_.memory()[123 + all.size()], std::byte{0});
  Bytes first(1);
  Bytes second(8000);
  Bytes third(all.size() - first.size() - second.size());
  ASSERT_EQ(window.get(123, Targets{first, second, third}, 2), Code::kOk);
  const Completion got = testing::next_completion(importer_);
  EXPECT_EQ(got.cookie, 2U);
  EXPECT_EQ(got.operation, Operation::kRead);
  EXPECT_EQ(got.bytes, all.size());
  Bytes back = first;
  back.insert(back.end(), second.begin(), second.end());
  back.insert(back.end(), third.begin(), third.end());
  EXPECT_EQ(back, all);
}

// As of one buffer: on a device, or by UDP, it is to be sent when the call is over.
TEST_P(ElementsTest, what_is_small_together_may_be_written_over_at_once) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  const Bytes before = pattern(kBounceBytes, 2);
  Bytes bytes = before;
  const std::span<const std::byte> source{bytes};
  ASSERT_EQ(window.put(0, Sources{source.first(1), source.subspan(1, 100), source.subspan(101)}, 1),
            Code::kOk);
  std::ranges::fill(bytes, std::byte{0});
  expect_done(window, 1);
  EXPECT_TRUE(std::ranges::equal(memory_.memory().first(before.size()), before));
}

TEST_P(ElementsTest, what_can_not_be_is_refused_and_the_window_lives) {
  const Export exported = export_all();
  const Export constant = export_all("constant", {.rights = {.write = false}});
  Window window = value_of(import_window("all"));
  Window reader = value_of(import_window("constant"));
  Bytes bytes(300);
  const std::uint64_t last = window.bytes() - 2 * bytes.size();
  const std::vector<ConstBuffer> four(4, ConstBuffer{bytes});
  EXPECT_EQ(window.put(0, four, 1), Code::kInvalidArgument);
  const std::vector<MutableBuffer> four_targets(4, MutableBuffer{bytes});
  EXPECT_EQ(window.get(0, four_targets, 1), Code::kInvalidArgument);
  const std::span<std::byte> null{static_cast<std::byte*>(nullptr), 5};
  EXPECT_EQ(window.put(0, Sources{bytes, bytes, null}, 1), Code::kInvalidArgument);
  EXPECT_EQ(window.get(0, Targets{null, bytes, bytes}, 1), Code::kInvalidArgument);
  const std::span<const std::byte> endless{bytes.data(), SIZE_MAX};
  EXPECT_EQ(window.put(0, Sources{bytes, bytes, endless}, 1), Code::kRemoteAccess);
  EXPECT_EQ(window.put(last - 299, Sources{bytes, bytes, bytes}, 1), Code::kRemoteAccess);
  EXPECT_EQ(reader.put(0, Sources{bytes, bytes, bytes}, 1), Code::kRemoteAccess);
  EXPECT_EQ(window.put(last - 300, Sources{bytes, bytes, bytes}, 2), Code::kOk);
  expect_done(window, 2);
}

TEST_P(ElementsTest, none_are_an_access_of_no_bytes) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  ASSERT_EQ(window.put(0, std::span<const ConstBuffer>{}, 1), Code::kOk);
  expect_done(window, 1);
  ASSERT_EQ(window.get(window.bytes(), std::span<const MutableBuffer>{}, 2), Code::kOk);
  expect_done(window, 2);
}

TEST_P(ElementsTest, after_the_end_they_are_flushed) {
  const Export exported = export_all();
  Window window = value_of(import_window("all"));
  window.close();
  Bytes bytes(300);
  EXPECT_EQ(window.put(0, Sources{bytes, bytes, bytes}, 1), Code::kEndpointClosed);
}

INSTANTIATE_TEST_SUITE_P(nics, ElementsTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow,
                                           testing::kLeasedWindow, testing::kVerbsWindow),
                         testing::column_name);

// What a TLB has to pin for each of them.
class PinnedElementsTest : public testing::PinnedPair {
 protected:
  static constexpr std::size_t kBudget = std::size_t{1} << 20;
  // Three of them fit, beside the slots of the library, but not six.
  static constexpr std::size_t kBytes = 200 << 10;

  void SetUp() override {
    PinnedPair::SetUp();
    if (IsSkipped()) return;
    make_server({});
    make_client(kBudget);
    connect();
    target_.emplace(value_of(
        server_->allocate(kElementsMax * kBytes, {.remote_read = true, .remote_write = true})));
  }
  void expect_written(std::uint64_t cookie) {
    const Completion written = await(client_done_);
    EXPECT_EQ(name(written.status), name(Code::kOk));
    EXPECT_EQ(written.cookie, cookie);
    EXPECT_EQ(written.bytes, target_->memory().size());
  }
  // None of what the requests before had pinned is still in use.
  void expect_room() {
    const Bytes bytes = pattern(kElementsMax * kBytes, 77);
    ASSERT_EQ(connected_.back().post_write(bytes, target_->remote(), 99), Code::kOk);
    expect_written(99);
  }

  std::optional<MemoryRegion> target_;
};

TEST_F(PinnedElementsTest, all_are_pinned_while_they_are_used_and_no_longer) {
  for (unsigned round = 1; round <= 20; ++round) {
    const Bytes first = pattern(kBytes, round);
    const Bytes second = pattern(kBytes, round + 100);
    const Bytes third = pattern(kBytes, round + 200);
    ASSERT_EQ(connected_[0].post_write(Sources{first, second, third}, target_->remote(), round),
              Code::kOk);
    expect_written(round);
    Bytes a(kBytes);
    Bytes b(kBytes);
    Bytes c(kBytes);
    ASSERT_EQ(connected_[0].post_read(Targets{a, b, c}, target_->remote(), round), Code::kOk);
    expect_written(round);
    EXPECT_TRUE(a == first && b == second && c == third) << round;
  }
  expect_room();
}

TEST_F(PinnedElementsTest, more_than_may_be_pinned_is_refused_and_nothing_stays_in_use) {
  const Bytes first(2 * kBytes);
  const Bytes second(2 * kBytes);
  const Bytes third(2 * kBytes);
  EXPECT_EQ(connected_[0].post_write(Sources{first, second, third}, target_->remote(), 1),
            Code::kLimitReached);
  expect_room();
}

TEST_F(PinnedElementsTest, those_of_a_connection_that_ends_are_given_back) {
  connect();
  const Bytes first(kBytes);
  const Bytes second(kBytes);
  const Bytes third(kBytes);
  ASSERT_EQ(connected_[0].post_write(Sources{first, second, third}, target_->remote(), 1),
            Code::kOk);
  connected_[0].close();
  EXPECT_EQ(await(client_done_).cookie, 1U);
  expect_room();
}

}  // namespace
}  // namespace mapwire
