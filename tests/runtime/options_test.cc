#include "mapwire/runtime/options.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mapwire {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Environment = std::vector<std::string>;

Options parsed(const Environment& environment) {
  auto options = Options::parse(environment);
  EXPECT_TRUE(options.has_value()) << options.error().message;
  return options.value_or(Options{});
}

TEST(Options, an_environment_without_variables_of_ours_gives_the_defaults) {
  EXPECT_EQ(parsed({}), Options{});
  EXPECT_EQ(parsed({"HOME=/root", "MAPWIRE=1", "nonsense", "=x", ""}), Options{});
}

TEST(Options, every_variable_sets_its_value) {
  const Options options =
      parsed({"MAPWIRE_LOG=debug", "MAPWIRE_THREADS=single", "MAPWIRE_PROGRESS=inline",
              "MAPWIRE_NIC=verbs", "MAPWIRE_FAULTS=loss=0.01,seed=7", "MAPWIRE_PCAP=/tmp/a b.pcap",
              "MAPWIRE_TRACE=t=1", "MAPWIRE_DEADLINE=500ms", "MAPWIRE_CONNECT_TIMEOUT=3s",
              "MAPWIRE_PATH_MTU=1024", "MAPWIRE_UDP_PORT=4791", "MAPWIRE_TAKEOVER=2ms",
              "MAPWIRE_UDP_PACKETS=single", "MAPWIRE_SEED=18446744073709551615"});
  const Options expected{.log = LogLevel::kDebug,
                         .single_thread = true,
                         .inline_progress = true,
                         .nic = NicChoice::kVerbs,
                         .faults = "loss=0.01,seed=7",
                         .pcap_file = "/tmp/a b.pcap",
                         .trace_file = "t=1",
                         .deadline_ns = 500'000'000,
                         .connect_timeout_ns = 3'000'000'000,
                         .path_mtu = 1024,
                         .udp_port = 4791,
                         .udp_single = true,
                         .takeover_ns = 2'000'000,
                         .seed = UINT64_MAX};
  EXPECT_EQ(options, expected);
}

TEST(Options, an_empty_variable_counts_as_unset) {
  EXPECT_EQ(parsed({"MAPWIRE_LOG=", "MAPWIRE_DEADLINE=", "MAPWIRE_PCAP="}), Options{});
}

TEST(Options, every_default_is_read_back_as_itself) {
  for (const OptionEntry& option : option_table()) {
    EXPECT_EQ(parsed({option.variable + "=" + option.default_value}), Options{}) << option.variable;
  }
}

TEST(Options, values_at_the_ends_of_their_range_are_taken) {
  EXPECT_EQ(parsed({"MAPWIRE_DEADLINE=1ms"}).deadline_ns, 1'000'000U);
  EXPECT_EQ(parsed({"MAPWIRE_DEADLINE=1h"}).deadline_ns, 3'600'000'000'000U);
  EXPECT_EQ(parsed({"MAPWIRE_UDP_PORT=65535"}).udp_port, 65535U);
  EXPECT_EQ(parsed({"MAPWIRE_PATH_MTU=256"}).path_mtu, 256U);
  EXPECT_EQ(parsed({"MAPWIRE_PATH_MTU=4096"}).path_mtu, 4096U);
}

TEST(Options, values_out_of_range_are_errors_that_name_variable_and_value) {
  for (const char* assignment :
       {"MAPWIRE_LOG=verbose", "MAPWIRE_LOG=WARN", "MAPWIRE_THREADS=two", "MAPWIRE_PROGRESS=1",
        "MAPWIRE_NIC=rxe0", "MAPWIRE_DEADLINE=2", "MAPWIRE_DEADLINE=999us",
        "MAPWIRE_DEADLINE=61min", "MAPWIRE_DEADLINE=99999999999999999999s",
        "MAPWIRE_CONNECT_TIMEOUT=0s", "MAPWIRE_PATH_MTU=1500", "MAPWIRE_PATH_MTU=128",
        "MAPWIRE_PATH_MTU=8192", "MAPWIRE_UDP_PORT=65536", "MAPWIRE_UDP_PORT=-1",
        "MAPWIRE_UDP_PACKETS=1", "MAPWIRE_TAKEOVER=1ns", "MAPWIRE_SEED=18446744073709551616",
        "MAPWIRE_SEED=x"}) {
    auto options = Options::parse(Environment{"HOME=/root", assignment});
    ASSERT_FALSE(options.has_value()) << assignment;
    EXPECT_EQ(options.error().code, Code::kBadOption);
    EXPECT_THAT(options.error().message, AllOf(HasSubstr(assignment), HasSubstr("give ")));
  }
}

TEST(Options, an_error_says_the_range_and_the_default) {
  auto options = Options::parse(Environment{"MAPWIRE_DEADLINE=2"});
  EXPECT_EQ(options.error().message,
            "MAPWIRE_DEADLINE=2 is no duration in range; give 1ms to 1h, or unset it for the "
            "default 2s");
}

TEST(Options, an_unknown_name_is_warned_of_with_the_nearest_one) {
  EXPECT_THAT(unknown_option_warnings(
                  Environment{"MAPWIRE_DEADLIN=2s", "MAPWIRE_LOG=x", "HOME=/root", "MAPWIREX=1"}),
              ElementsAre("MAPWIRE_DEADLIN is no option of mapwire and has no effect; did you mean "
                          "MAPWIRE_DEADLINE?"));
  EXPECT_THAT(unknown_option_warnings(Environment{"MAPWIRE_UPDPORT=2"}),
              ElementsAre(HasSubstr("MAPWIRE_UDP_PORT")));
}

TEST(Options, those_of_the_process_are_read_from_its_environment) {
  setenv("MAPWIRE_SEED", "99", 1);
  EXPECT_EQ(Options::from_environment()->seed, 99U);
  setenv("MAPWIRE_SEED", "ninety-nine", 1);
  EXPECT_EQ(Options::from_environment().error().code, Code::kBadOption);
  unsetenv("MAPWIRE_SEED");
}

TEST(Options, the_table_has_every_variable_once_with_its_texts) {
  std::set<std::string> variables;
  for (const OptionEntry& option : option_table()) {
    EXPECT_TRUE(variables.insert(option.variable).second) << option.variable;
    EXPECT_THAT(option.variable, ::testing::StartsWith("MAPWIRE_"));
    EXPECT_THAT(option.help, ::testing::EndsWith("."));
    EXPECT_FALSE(option.type.empty());
    EXPECT_FALSE(option.range.empty());
  }
}

TEST(Options, help_has_two_lines_for_each) {
  EXPECT_EQ(option_help_lines().size(), 2 * option_table().size());
  EXPECT_THAT(option_help_lines(), ::testing::Contains("MAPWIRE_DEADLINE: 1ms to 1h (2s)"));
}

// docs/options.md is this table. UPDATE_DOCS=1 in the environment writes it anew.
TEST(Options, the_document_is_up_to_date) {
  const std::string path = MAPWIRE_SOURCE_DIR "/docs/options.md";
  if (std::getenv("UPDATE_DOCS") != nullptr) std::ofstream{path} << option_document();
  std::ifstream file{path};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_EQ(text, option_document())
      << "docs/options.md is out of date; write it anew with\n"
         "  UPDATE_DOCS=1 ctest --test-dir build/dev -R the_document_is_up_to_date";
}

}  // namespace
}  // namespace mapwire
