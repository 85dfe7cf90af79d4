// Notifications of importers, and flush.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/endpoints/window.h"
#include "tests/endpoints/window_fixture.h"

namespace mapwire {
namespace {

using testing::next_completion;
using testing::pattern;
using testing::value_of;

class WindowNotifyTest : public testing::WindowFixture {
 protected:
  void make(Notifications mode) {
    exported_.emplace(export_all("all", {.notifications = mode, .cookie = 5}));
    window_.emplace(value_of(import_window("all")));
    await_imports(*exported_, 1);
  }
  // Numbers them from `first` on.
  void notify(std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t i = first; i < first + count; ++i) {
      ASSERT_EQ(window_->put_notify(i, std::span{source_}.subspan(i, 1), i, i), Code::kOk);
    }
  }
  void expect_sent(std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t i = first; i < first + count; ++i) expect_done(*window_, i);
  }
  void expect_notified(std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t i = first; i < first + count; ++i) {
      const Completion told = next_completion(exporter_);
      ASSERT_EQ(told.status, Code::kOk) << name(told.status);
      EXPECT_EQ(told.operation, Operation::kNotification);
      EXPECT_EQ(told.cookie, 5U);
      EXPECT_TRUE(told.has_immediate);
      EXPECT_EQ(told.immediate, i);
      EXPECT_EQ(told.bytes, 1U);
      EXPECT_EQ(memory_.memory()[i], source_[i]);
    }
  }
  void expect_silence() {
    EXPECT_EQ(next_completion(exporter_, testing::kSoonNs).status, Code::kTimeout);
  }

  const std::vector<std::byte> source_ = pattern(4096, 1);
  std::optional<Export> exported_;
  std::optional<Window> window_;
};

TEST_P(WindowNotifyTest, the_exporter_hears_of_it_when_the_bytes_are_there) {
  make(Notifications::kDelivered);
  for (std::uint32_t round = 0; round < 100; ++round) {
    notify(round, 1);
    expect_notified(round, 1);
    expect_sent(round, 1);
  }
}

TEST_P(WindowNotifyTest, who_is_not_told_to_notify_does_not) {
  make(Notifications::kDelivered);
  ASSERT_EQ(window_->put(0, source_, 1), Code::kOk);
  expect_done(*window_, 1);
  expect_silence();
}

TEST_P(WindowNotifyTest, what_is_ignored_is_gone_and_hinders_nobody) {
  make(Notifications::kIgnored);
  notify(0, 50);
  expect_sent(0, 50);
  EXPECT_TRUE(std::ranges::equal(memory_.memory().first(50), std::span{source_}.first(50)));
  exported_->set_notifications(Notifications::kDelivered);
  notify(50, 1);
  expect_notified(50, 1);
  expect_silence();
}

TEST_P(WindowNotifyTest, what_is_kept_comes_later_and_what_finds_no_room_waits) {
  make(Notifications::kKept);
  notify(0, kNotificationsMax + 4);
  expect_sent(0, kNotificationsMax);
  expect_silence();
  exported_->set_notifications(Notifications::kDelivered);
  expect_notified(0, kNotificationsMax + 4);
  expect_sent(kNotificationsMax, 4);
}

TEST_P(WindowNotifyTest, what_is_kept_outlives_its_importer) {
  make(Notifications::kKept);
  notify(0, kNotificationsMax);
  expect_sent(0, kNotificationsMax);
  window_.reset();
  await_imports(*exported_, 0);
  window_.emplace(value_of(import_window("all")));
  await_imports(*exported_, 1);
  notify(kNotificationsMax, kNotificationsMax);
  expect_sent(kNotificationsMax, kNotificationsMax);
  exported_->set_notifications(Notifications::kDelivered);
  expect_notified(0, 2 * kNotificationsMax);
  expect_silence();
}

TEST_P(WindowNotifyTest, what_is_kept_and_not_wanted_any_more_is_dropped) {
  make(Notifications::kKept);
  notify(0, kNotificationsMax + 1);
  expect_sent(0, kNotificationsMax);
  exported_->set_notifications(Notifications::kIgnored);
  expect_sent(kNotificationsMax, 1);
  exported_->set_notifications(Notifications::kDelivered);
  expect_silence();
}

TEST_P(WindowNotifyTest, an_exporter_that_takes_none_fails_the_importer_alone) {
  make(Notifications::kKept);
  Window other = value_of(import_window("all", {.deadline_ns = 200'000'000}));
  await_imports(*exported_, 2);
  for (std::uint32_t i = 0; i <= kNotificationsMax; ++i) {
    ASSERT_EQ(other.put_notify(0, std::span{source_}.first(1), i, i), Code::kOk);
  }
  for (std::uint32_t i = 0; i < kNotificationsMax; ++i) expect_done(other, i);
  EXPECT_NE(next_completion(importer_).status, Code::kOk);
  EXPECT_TRUE(other.error());
  notify(0, 1);
  expect_sent(0, 1);
}

TEST_P(WindowNotifyTest, a_notification_obeys_the_rights_and_the_size) {
  const Export readable = export_all("r", {.rights = {.write = false}});
  Window window = value_of(import_window("r"));
  EXPECT_EQ(window.put_notify(0, std::span{source_}.first(1), 1, 1), Code::kRemoteAccess);
  make(Notifications::kDelivered);
  EXPECT_EQ(window_->put_notify(window_->bytes(), std::span{source_}.first(1), 1, 1),
            Code::kRemoteAccess);
}

TEST_P(WindowNotifyTest, what_was_posted_before_a_flush_is_there_when_it_completes) {
  const Export unreadable = export_all("w", {.rights = {.read = false}});
  Window window = value_of(import_window("w"));
  const auto source = pattern(memory_.memory().size(), 2);
  for (std::uint64_t i = 0; i < 16; ++i) {
    const auto part = std::span{source}.subspan(i * 4096, 4096);
    ASSERT_EQ(window.put(i * 4096, part, i), Code::kOk);
  }
  ASSERT_EQ(window.flush(16), Code::kOk);
  for (std::uint64_t i = 0; i < 16; ++i) expect_done(window, i);
  expect_done(window, 16);
  EXPECT_TRUE(std::ranges::equal(memory_.memory(), source));
}

INSTANTIATE_TEST_SUITE_P(nics, WindowNotifyTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow,
                                           testing::kLeasedWindow, testing::kVerbsWindow),
                         testing::column_name);

}  // namespace
}  // namespace mapwire
