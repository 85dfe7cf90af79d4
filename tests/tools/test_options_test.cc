#include "tools/test_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace mapwire::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The options, or nothing if the parser or conflict() refused; then `why`.
struct Parsed {
  std::optional<TestOptions> options;
  std::string why;
};

Parsed parse(TestKind kind, const std::string& line) {
  TestOptions options = default_test_options(Options{});
  options.kind = kind;
  options.bytes = 2;
  CLI::App app;
  add_test_options(app, options);
  app.add_flag("-U", options.unsorted);
  try {
    app.parse(line);
  } catch (const CLI::ParseError& error) {
    return {.options = std::nullopt, .why = error.what()};
  }
  const std::string wrong = conflict(options);
  if (!wrong.empty()) return {.options = std::nullopt, .why = wrong};
  return {.options = options, .why = ""};
}

Parsed ping(const std::string& line) { return parse(TestKind::kLatency, line); }

TEST(test_options, perftests_letters_are_understood) {
  const auto parsed = ping("host -s 8K -n 5 -p 7 -m 1024 -t 8 -r 16 -e --warmup 3");
  ASSERT_TRUE(parsed.options) << parsed.why;
  EXPECT_EQ(parsed.options->address, "host");
  EXPECT_EQ(parsed.options->bytes, 8192U);
  EXPECT_EQ(parsed.options->iterations, 5U);
  EXPECT_EQ(parsed.options->port, 7U);
  EXPECT_EQ(parsed.options->path_mtu, 1024U);
  EXPECT_EQ(parsed.options->send_depth, 8U);
  EXPECT_EQ(parsed.options->receive_depth, 16U);
  EXPECT_TRUE(parsed.options->sleep);
  EXPECT_EQ(parsed.options->warmup, 3U);
}

TEST(test_options, rdma_addresses_carry_too_little_for_the_tests) {
  EXPECT_THAT(ping("rdma://host").why, HasSubstr("leave rdma:// away"));
  EXPECT_THAT(ping("--bind rdma://host").why, HasSubstr("leave rdma:// away"));
}

TEST(test_options, the_environment_gives_the_defaults) {
  Options environment;
  environment.deadline_ns = 7;
  environment.connect_timeout_ns = 8;
  environment.single_thread = true;
  environment.pcap_file = "a.pcap";
  environment.faults = "loss=1";
  environment.path_mtu = 512;
  const TestOptions options = default_test_options(environment);
  EXPECT_EQ(options.deadline_ns, 7U);
  EXPECT_EQ(options.timeout_ns, 8U);
  EXPECT_EQ(options.threads, "single");
  EXPECT_EQ(options.pcap_file, "a.pcap");
  EXPECT_EQ(options.faults, "loss=1");
  EXPECT_EQ(options.path_mtu, 512U);
}

TEST(test_options, times_are_seconds_or_durations) {
  EXPECT_EQ(ping("h -D 2").options->duration_ns, 2'000'000'000U);
  EXPECT_EQ(ping("h -D 500ms").options->duration_ns, 500'000'000U);
  EXPECT_THAT(ping("h -D 0").why, HasSubstr("1ms to 1h"));
  EXPECT_THAT(ping("h --timeout soon").why, HasSubstr("'soon'"));
  EXPECT_THAT(ping("h --deadline 18446744073709551615").why, HasSubstr("1ms to 1h"));
}

TEST(test_options, bad_values_are_refused) {
  for (const char* line :
       {"h -s 0",      "h -s 2G",          "h -s -1",          "h -s x",        "h -n 0",
        "h -n -3",     "h -p 0",           "h -p 65536",       "h -m 1000",     "h -m 128",
        "h -m 8192",   "h -t 1",           "h -t 3",           "h -r 2",        "h -r 8192",
        "h --op move", "h --profile fast", "h --threads many", "h --warmup -1", "h h2",
        "h --nope",    "h -n 5 -D 5",      "h -a -s 5"}) {
    const auto parsed = ping(line);
    EXPECT_FALSE(parsed.options) << line;
    EXPECT_FALSE(parsed.why.empty()) << line;
    EXPECT_THAT(parsed.why, testing::Not(HasSubstr("\n"))) << line;
  }
}

TEST(test_options, combinations_without_sense_are_refused) {
  for (const char* line :
       {"--local host", "--local --once", "--local --bind ::1", "host --bind ::1", "host --once",
        "--json", "--out-json f", "host --op cas -a", "host --op faa -s 16",
        "host --op write --events", "host -U -D 5", "host -U -n 20000000", "host --baseline",
        "--baseline"}) {
    EXPECT_FALSE(ping(line).options) << line;
    EXPECT_FALSE(ping(line).why.empty()) << line;
  }
}

TEST(test_options, a_baseline_needs_both_ends_here) {
  EXPECT_TRUE(ping("--local --baseline").options);
  EXPECT_THAT(ping("host --baseline").why, HasSubstr("needs --local"));
}

TEST(test_options, bandwidth_has_no_atomics) {
  EXPECT_TRUE(parse(TestKind::kBandwidth, "host --op read").options);
  EXPECT_FALSE(parse(TestKind::kBandwidth, "host --op cas").options);
}

TEST(test_options, sizes_are_one_or_all_or_that_of_a_word) {
  EXPECT_THAT(test_sizes(*ping("h -s 100").options), ElementsAre(100));
  const auto all = test_sizes(*ping("h -a").options);
  EXPECT_EQ(all.size(), 23U);
  EXPECT_EQ(all.front(), 2U);
  EXPECT_EQ(all.back(), 8388608U);
  EXPECT_THAT(test_sizes(*ping("h --op cas").options), ElementsAre(8));
}

TEST(test_options, single_thread_means_inline_progress) {
  EXPECT_EQ(context_options(*ping("h").options).progress, Progress::kPassive);
  EXPECT_EQ(context_options(*ping("h --inline").options).progress, Progress::kInline);
  const auto single = context_options(*ping("h --threads single").options);
  EXPECT_EQ(single.threads, Threads::kSingle);
  EXPECT_EQ(single.progress, Progress::kInline);
}

}  // namespace
}  // namespace mapwire::tools
