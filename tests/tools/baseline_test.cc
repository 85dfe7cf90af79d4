#include "tools/baseline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <memory>
#include <utility>

#include "tools/processors.h"
#include "tools/stream_shape.h"
#include "tools/udp_stream_baseline.h"

namespace mapwire::tools {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kSliceNs = 2'000'000;
constexpr int kNoProcessor = 1023;

// The near end is the thread of the test, which is bound meanwhile.
class Baselines : public ::testing::Test {
 public:
  Baselines() { sched_getaffinity(0, sizeof(allowed_), &allowed_); }
  ~Baselines() override { sched_setaffinity(0, sizeof(allowed_), &allowed_); }

 protected:
  void SetUp() override {
    const auto processors = two_processors();
    if (!processors) GTEST_SKIP() << "needs two CPUs";
    ASSERT_TRUE(pin_to_processor(processors->second));
    far_ = processors->first;
  }
  int far_ = 0;

 private:
  cpu_set_t allowed_{};
};

void expect_two_slices(LatencyBaseline& baseline) {
  for (std::uint64_t before = 0; const int slice : {1, 2}) {
    const auto measured = baseline.measure(kSliceNs);
    ASSERT_TRUE(measured.has_value()) << measured.error().message;
    EXPECT_GT(baseline.times().count(), before) << slice;
    before = baseline.times().count();
  }
  EXPECT_GT(baseline.times().percentile_ns(0.5), 0U);
}

void expect_two_slices(BandwidthBaseline& baseline) {
  EXPECT_EQ(baseline.bytes_per_s(), 0);
  for (const int slice : {1, 2}) {
    const auto measured = baseline.measure(kSliceNs);
    ASSERT_TRUE(measured.has_value()) << measured.error().message;
    EXPECT_GT(baseline.bytes_per_s(), 0) << slice;
  }
}

TEST_F(Baselines, that_of_ping_is_chosen_by_the_wire) {
  for (const auto& [wire, name] :
       {std::pair{"udp", "udp_ping_pong"}, {"shm", "cache_line_ping_pong"}}) {
    const auto baseline = make_latency_baseline({.wire = wire, .bytes = 64}, far_);
    ASSERT_TRUE(baseline.has_value()) << baseline.error().message;
    EXPECT_EQ((*baseline)->name(), name);
    expect_two_slices(**baseline);
  }
}

TEST_F(Baselines, datagrams_of_every_size_come_back) {
  for (const std::size_t bytes : {1U, 4096U, 65507U}) {
    for (const TestOp op : {TestOp::kSend, TestOp::kRead}) {
      const auto baseline = make_latency_baseline({.wire = "udp", .op = op, .bytes = bytes}, far_);
      ASSERT_TRUE(baseline.has_value()) << baseline.error().message;
      expect_two_slices(**baseline);
    }
  }
}

TEST_F(Baselines, streams_lose_nothing_with_and_without_offload) {
  for (const std::size_t segment : {1U, 64U, 1000U, 4096U}) {
    for (const bool offload : {true, false}) {
      const auto baseline = UdpStreamBaseline::create(segment, far_, offload);
      ASSERT_TRUE(baseline.has_value()) << baseline.error().message;
      if (!offload) {
        EXPECT_EQ((*baseline)->name(), "udp_stream");
      }
      expect_two_slices(**baseline);
    }
  }
}

TEST(baseline, a_cpu_that_can_not_be_had_is_an_error_at_once) {
  for (const char* wire : {"udp", "shm"}) {
    const auto baseline = make_latency_baseline({.wire = wire, .bytes = 2}, kNoProcessor);
    ASSERT_TRUE(baseline.has_value());
    EXPECT_EQ((*baseline)->measure(kSliceNs).error().code, Code::kSystemCall);
  }
  const auto stream =
      make_bandwidth_baseline({.wire = "udp", .bytes = 2, .packet_bytes = 4096}, kNoProcessor);
  ASSERT_TRUE(stream.has_value());
  EXPECT_THAT((*stream)->measure(kSliceNs).error().message, HasSubstr("CPU 1023"));
}

TEST(baseline, a_stream_through_shared_memory_is_held_to_copying) {
  const auto stream = make_bandwidth_baseline({.wire = "shm", .bytes = 65536}, 0);
  ASSERT_TRUE(stream.has_value());
  EXPECT_EQ((*stream)->bytes_per_s(), 0);
  ASSERT_TRUE((*stream)->measure(kSliceNs).has_value());
  EXPECT_GT((*stream)->bytes_per_s(), 1e6);
}

TEST(baseline, of_other_wires_none_is_known) {
  const auto latency = make_latency_baseline({.wire = "rxe0", .bytes = 2}, 0);
  EXPECT_EQ(latency.error().code, Code::kInvalidArgument);
  EXPECT_THAT(latency.error().message, HasSubstr("wire rxe0 has no baseline"));
  const auto stream = make_bandwidth_baseline({.wire = "rxe0", .bytes = 2, .packet_bytes = 64}, 0);
  EXPECT_EQ(stream.error().code, Code::kInvalidArgument);
}

TEST(baseline, a_message_that_no_datagram_holds_has_none) {
  const auto baseline = make_latency_baseline({.wire = "udp", .bytes = 65508}, 0);
  EXPECT_EQ(baseline.error().code, Code::kMessageTooLong);
  EXPECT_THAT(baseline.error().message, HasSubstr("65508"));
  EXPECT_TRUE(make_latency_baseline({.wire = "shm", .bytes = 65508}, 0).has_value());
}

TEST(stream_shape, the_window_fits_into_the_receive_buffer) {
  for (const std::size_t buffer : {4096U, 425'984U, 16U << 20}) {
    for (const std::size_t segment : {1U, 64U, 1024U, 4096U}) {
      for (const bool offload : {true, false}) {
        const StreamShape shape = stream_shape(segment, offload, buffer);
        const std::size_t batch_bytes = shape.batch * shape.send_bytes;
        EXPECT_GE(shape.window_bytes, batch_bytes);
        EXPECT_EQ(shape.window_bytes % batch_bytes, 0U);
        EXPECT_LE(shape.send_bytes, 65507U);
        const std::size_t packets = shape.window_bytes / shape.send_bytes;
        EXPECT_TRUE(packets == 1 || packets * 2 * shape.send_bytes <= buffer) << buffer;
      }
    }
  }
}

}  // namespace
}  // namespace mapwire::tools
