#include "tools/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

namespace mapwire::tools {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A machine whose sysfs and device nodes lie in a directory of the test: one Soft-RoCE device in
// good order, until the test spoils it.
class FindingsTest : public ::testing::Test {
 public:
  FindingsTest() {
    fs::create_directories(root_);
    write("sys/class/infiniband/rxe0/ports/1/state", "4: ACTIVE");
    set_gid(0, "fe80:0000:0000:0000:0000:00ff:fe00:0001");
    set_gid(1, "0000:0000:0000:0000:0000:ffff:0a09:0001");
    set_gid(2, "0000:0000:0000:0000:0000:0000:0000:0000");
    write("sys/class/net/eth7/mtu", "9000");
    write("sys/class/infiniband_verbs/uverbs0/ibdev", "rxe0");
    write("sys/class/infiniband_verbs/abi_version", "6");
    write("dev/infiniband/uverbs0", "");
  }
  ~FindingsTest() override { fs::remove_all(root_); }

 protected:
  void write(const std::string& file, const std::string& content) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream{root_ / file} << content << '\n';
  }
  void remove(const std::string& file) { fs::remove_all(root_ / file); }
  void set_gid(int index, const std::string& gid, const std::string& type = "RoCE v2") {
    const std::string port = "sys/class/infiniband/rxe0/ports/1/";
    write(port + "gids/" + std::to_string(index), gid);
    write(port + "gid_attrs/types/" + std::to_string(index), type);
    write(port + "gid_attrs/ndevs/" + std::to_string(index), "eth7");
  }

  const fs::path root_ = fs::path{::testing::TempDir()} / ("findings." + std::to_string(getpid()));
  Machine machine_{.sys = root_ / "sys",
                   .dev = root_ / "dev",
                   .kernel = "6.1.0-56-amd64",
                   .memlock_bytes = kUnlimited};
};

TEST_F(FindingsTest, a_machine_in_good_order_is_left_alone) {
  const auto findings = examine(machine_);
  EXPECT_EQ(findings.size(), 11U);
  for (const Finding& finding : findings) {
    EXPECT_EQ(finding.verdict, Verdict::kOk) << finding.check << ": " << finding.text;
    EXPECT_EQ(finding.command, "") << finding.check;
  }
  EXPECT_EQ(check_device(machine_).text, "rxe0/1");
}

TEST_F(FindingsTest, no_driver_is_no_fault) {
  remove("sys/class");
  EXPECT_EQ(check_module(machine_).verdict, Verdict::kNote);
  EXPECT_THAT(check_module(machine_).command, HasSubstr("modprobe rdma_rxe"));
  EXPECT_EQ(check_device(machine_).verdict, Verdict::kNote);
  EXPECT_THAT(check_device(machine_).command, HasSubstr("rdma link add rxe0 type rxe netdev"));
  for (const Finding& finding : examine(machine_)) EXPECT_NE(finding.verdict, Verdict::kWrong);
}

TEST_F(FindingsTest, a_driver_without_a_device_is_told_from_no_driver) {
  remove("sys/class");
  write("sys/module/rdma_rxe/initstate", "live");
  EXPECT_EQ(check_module(machine_).verdict, Verdict::kOk);
  EXPECT_EQ(check_device(machine_).verdict, Verdict::kNote);
}

TEST_F(FindingsTest, a_device_that_user_space_is_not_offered) {
  remove("sys/class/infiniband_verbs");
  EXPECT_EQ(check_permission(machine_).verdict, Verdict::kWrong);
  EXPECT_THAT(check_permission(machine_).command, HasSubstr("modprobe ib_uverbs"));
}

TEST_F(FindingsTest, a_node_that_is_missing) {
  remove("dev/infiniband");
  const Finding finding = check_permission(machine_);
  EXPECT_EQ(finding.verdict, Verdict::kWrong);
  EXPECT_THAT(finding.text, HasSubstr("infiniband/uverbs0 (rxe0): No such file"));
  EXPECT_THAT(finding.command, HasSubstr("--device /dev/infiniband"));
}

TEST_F(FindingsTest, a_port_that_is_down) {
  write("sys/class/infiniband/rxe0/ports/1/state", "1: DOWN");
  const Finding finding = check_port_state(machine_);
  EXPECT_EQ(finding.verdict, Verdict::kWrong);
  EXPECT_EQ(finding.text, "rxe0/1 is DOWN");
  EXPECT_THAT(finding.command, HasSubstr("ip link set eth7 up"));
}

TEST_F(FindingsTest, a_port_whose_gids_no_router_carries) {
  set_gid(1, "0000:0000:0000:0000:0000:ffff:0a09:0001", "IB/RoCE v1");
  const Finding finding = check_gid(machine_);
  EXPECT_EQ(finding.verdict, Verdict::kWrong);
  EXPECT_THAT(finding.text, HasSubstr("no routable RoCEv2 GID, of 2 in its table"));
  EXPECT_THAT(finding.command, HasSubstr("ip addr add ADDRESS/LENGTH dev eth7"));
}

TEST_F(FindingsTest, an_interface_of_small_packets) {
  write("sys/class/net/eth7/mtu", "1500");
  const Finding finding = check_mtu(machine_);
  EXPECT_EQ(finding.verdict, Verdict::kNote);
  EXPECT_THAT(finding.text, HasSubstr("the MTU of eth7 is 1500"));
  EXPECT_THAT(finding.command, HasSubstr("ip link set eth7 mtu 9000"));
}

TEST_F(FindingsTest, a_second_device_is_looked_at_as_well) {
  write("sys/class/infiniband/rxe10/ports/1/state", "1: DOWN");
  EXPECT_EQ(check_device(machine_).text, "rxe0/1, rxe10/1");
  EXPECT_EQ(check_port_state(machine_).text, "rxe10/1 is DOWN");
  EXPECT_THAT(check_gid(machine_).text, HasSubstr("rxe10/1 has no routable RoCEv2 GID, of 0"));
}

TEST_F(FindingsTest, limits_and_ports_of_the_process) {
  machine_.memlock_bytes = 8U << 20U;
  EXPECT_EQ(check_memlock(machine_).verdict, Verdict::kNote);
  EXPECT_THAT(check_memlock(machine_).text, HasSubstr("8192 KiB"));
  EXPECT_THAT(check_memlock(machine_).command, HasSubstr("docker run --ulimit memlock=-1"));
  machine_.memlock_bytes = 64U << 20U;
  EXPECT_EQ(check_memlock(machine_).verdict, Verdict::kOk);
  EXPECT_EQ(check_tlb(machine_).verdict, Verdict::kOk);
  machine_.tlb_obstacle = "userfaultfd: not here; use another kernel";
  EXPECT_EQ(check_tlb(machine_).verdict, Verdict::kNote);
  EXPECT_THAT(check_tlb(machine_).text, HasSubstr("userfaultfd: not here"));
  machine_.roce_port_errno = EADDRINUSE;
  EXPECT_EQ(check_roce_port(machine_).verdict, Verdict::kNote);
  EXPECT_THAT(check_roce_port(machine_).command, HasSubstr("sport = :4791"));
  machine_.udp_errno = EMFILE;
  EXPECT_EQ(check_udp(machine_).verdict, Verdict::kWrong);
  EXPECT_THAT(check_udp(machine_).text, HasSubstr("Too many open files"));
}

TEST_F(FindingsTest, a_kernel_with_a_known_fault) {
  machine_.kernel = "6.19.0-rc5";
  EXPECT_EQ(check_kernel(machine_).verdict, Verdict::kNote);
  EXPECT_THAT(check_kernel(machine_).text, HasSubstr("CVE-2026-45910"));
}

TEST_F(FindingsTest, nonsense_in_sysfs_is_survived) {
  write("sys/class/infiniband/rxe0/ports/1/gids/3", "not a gid");
  write("sys/class/infiniband/rxe0/ports/1/gids/x", "0000:0000:0000:0000:0000:ffff:0a09:0001");
  write("sys/class/infiniband/rxe0/ports/none/state", "");
  write("sys/class/net/eth7/mtu", "many");
  EXPECT_EQ(examine(machine_).size(), 11U);
}

}  // namespace
}  // namespace mapwire::tools
