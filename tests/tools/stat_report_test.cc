#include "tools/stat_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace mapwire::tools {
namespace {

using ::testing::HasSubstr;

ProcessCounters living() {
  return {.pid = 7,
          .alive = true,
          .program = "server",
          .contexts = {{.context = 0, .counters = {{"nic.acks_sent", 3}, {"b", 1}}},
                       {.context = 2, .counters = {{"nic.acks_sent", UINT64_MAX}}}}};
}

ProcessCounters dead() {
  return {.pid = 8,
          .alive = false,
          .program = "",
          .contexts = {{.context = 0, .counters = {{"nic.acks_sent", 5}}}}};
}

StatReport damaged() {
  return {.process = {.pid = 9, .program = {}, .contexts = {}}, .problem = "file x: it is none"};
}

TEST(stat_report, the_table_has_a_line_per_counter) {
  EXPECT_EQ(stat_table(living()),
            "# process 7 (server), alive\n"
            "context                value counter\n"
            "      0                    3 nic.acks_sent\n"
            "      0                    1 b\n"
            "      2 18446744073709551615 nic.acks_sent");
  EXPECT_THAT(stat_table(dead()), HasSubstr("# process 8, dead\n"));
}

TEST(stat_report, the_list_has_a_line_per_process_also_of_those_it_cannot_read) {
  const std::vector<StatReport> reports{{.process = living()}, {.process = dead()}, damaged()};
  EXPECT_EQ(stat_list(reports),
            "       pid state contexts program\n"
            "         7 alive        2 server\n"
            "         8 dead         1 -\n"
            "         9 file x: it is none");
  EXPECT_THAT(stat_list({}), HasSubstr("no process"));
}

TEST(stat_report, json_keeps_the_order_and_every_digit) {
  const std::vector<StatReport> reports{{.process = living()}, damaged()};
  const auto document = nlohmann::ordered_json::parse(stat_json(reports));
  const auto& process = document["processes"][0];
  EXPECT_EQ(process["contexts"][0]["counters"].begin().key(), "nic.acks_sent");
  EXPECT_EQ(process["contexts"][1]["counters"]["nic.acks_sent"], UINT64_MAX);
  EXPECT_EQ(process["problem"], "");
  EXPECT_EQ(document["processes"][1]["problem"], "file x: it is none");
  EXPECT_TRUE(document["processes"][1]["alive"].is_null());
}

TEST(stat_report, prometheus_gets_all_samples_of_a_metric_together) {
  const std::vector<StatReport> reports{{.process = living()}, damaged(), {.process = dead()}};
  EXPECT_EQ(stat_prometheus(reports),
            "# TYPE mapwire_b_total counter\n"
            "mapwire_b_total{pid=\"7\",context=\"0\"} 1\n"
            "# TYPE mapwire_nic_acks_sent_total counter\n"
            "mapwire_nic_acks_sent_total{pid=\"7\",context=\"0\"} 3\n"
            "mapwire_nic_acks_sent_total{pid=\"7\",context=\"2\"} 18446744073709551615\n"
            "mapwire_nic_acks_sent_total{pid=\"8\",context=\"0\"} 5");
}

TEST(stat_report, prometheus_never_gets_a_sample_twice) {
  const ProcessCounters process{.pid = 7,
                                .alive = true,
                                .program = "",
                                .contexts = {{.context = 0, .counters = {{"a.b", 1}, {"a_b", 2}}}}};
  const std::vector<StatReport> reports{{.process = process}};
  EXPECT_EQ(stat_prometheus(reports),
            "# TYPE mapwire_a_b_total counter\nmapwire_a_b_total{pid=\"7\",context=\"0\"} 3");
}

}  // namespace
}  // namespace mapwire::tools
