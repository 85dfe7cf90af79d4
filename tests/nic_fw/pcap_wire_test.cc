#include "mapwire/nic_fw/pcap_wire.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapwire/proto/icrc.h"
#include "tests/nic_fw/wire_test_support.h"

namespace mapwire::nic_fw {
namespace {

using proto::Opcode;
using ::testing::ElementsAre;

constexpr std::uint16_t kOtherPort = 40'000;

class PcapWireTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "mapwire_pcap_test." + std::to_string(getpid());
  }
  void TearDown() override { std::filesystem::remove(path_); }

  // The wire of every test: what it receives is `incoming`.
  std::unique_ptr<Wire> make(std::vector<OwnedPacket> incoming = {}) {
    auto recorder = std::make_unique<RecordingWire>();
    recorder->sent = &sent_;
    recorder->incoming = std::move(incoming);
    auto wire = make_pcap_wire(std::move(recorder), {.file = path_,
                                                     .wall_offset_ns = 1'700'000'000'000'000'000,
                                                     .failures = Counter{&failures_}});
    EXPECT_TRUE(wire) << wire.error().message;
    return std::move(*wire);
  }
  static std::size_t send(Wire& wire, const OwnedPacket& packet, std::uint64_t now_ns = 0) {
    const WirePacket view = packet.view();
    return wire.send({&view, 1}, now_ns);
  }
  std::string file_bytes() const {
    std::ifstream file{path_, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  template <class T>
  static T number_at(std::string_view bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
  }

  std::string path_;
  std::vector<OwnedPacket> sent_;
  std::atomic<std::uint64_t> failures_ = 0;
};

TEST_F(PcapWireTest, writes_both_directions_with_time_of_day_and_full_headers) {
  const auto answer =
      roce_packet({v4_address(2), v4_address(1)}, roce_headers(Opcode::kAcknowledge), 0);
  auto wire = make({answer});
  const auto request =
      roce_packet({v4_address(1), v4_address(2)}, roce_headers(Opcode::kSendOnly), 64);
  std::array<WirePacket, 4> packets;
  EXPECT_EQ(send(*wire, request, 5), 1);
  EXPECT_EQ(wire->receive(packets, 1'000'000'007), 1);
  wire.reset();

  const std::string file = file_bytes();
  ASSERT_EQ(file.size(), 24 + 16 + 28 + request.bytes.size() + 16 + 28 + answer.bytes.size());
  EXPECT_EQ(number_at<std::uint32_t>(file, 0), 0xa1b23c4d);
  EXPECT_EQ(number_at<std::uint32_t>(file, 20), 101);
  EXPECT_EQ(number_at<std::uint32_t>(file, 24), 1'700'000'000);
  EXPECT_EQ(number_at<std::uint32_t>(file, 28), 5);
  EXPECT_EQ(number_at<std::uint32_t>(file, 32), 28 + request.bytes.size());
  // IPv4: version 4, 5 words; identification 0, DF.
  EXPECT_EQ(file.substr(40, 1), "\x45");
  EXPECT_EQ(file.substr(44, 4), std::string("\x00\x00\x40\x00", 4));
  EXPECT_EQ(std::memcmp(file.data() + 68, request.bytes.data(), request.bytes.size()), 0);
  const std::size_t second = 68 + request.bytes.size();
  EXPECT_EQ(number_at<std::uint32_t>(file, second), 1'700'000'001);
  EXPECT_EQ(number_at<std::uint32_t>(file, second + 4), 7);
}

// What an analyser checks the ICRC with.
TEST_F(PcapWireTest, writes_the_identification_that_the_packet_came_with) {
  auto packet = roce_packet({v4_address(1), v4_address(2)}, roce_headers(Opcode::kSendOnly), 64);
  proto::seal(packet.flow, 0x1234, packet.bytes);
  auto wire = make();
  EXPECT_EQ(send(*wire, packet), 1);
  wire.reset();
  EXPECT_EQ(file_bytes().substr(44, 2), "\x12\x34");
}

TEST_F(PcapWireTest, refuses_a_file_it_cannot_write) {
  for (const char* file : {"/nonexistent/capture.pcap", "/dev/full"}) {
    const auto wire = make_pcap_wire(std::make_unique<RecordingWire>(), {.file = file});
    ASSERT_FALSE(wire);
    EXPECT_EQ(wire.error().code, Code::kBadFile);
    EXPECT_THAT(wire.error().message, ::testing::HasSubstr(file));
    EXPECT_NE(wire.error().os_errno, 0);
  }
}

// Limits the size of files this process writes, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_{std::signal(SIGXFSZ, SIG_IGN)} {
    getrlimit(RLIMIT_FSIZE, &saved_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = saved_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &saved_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit saved_{};
  void (*handler_)(int);
};

TEST_F(PcapWireTest, a_full_disk_ends_the_capture_and_disturbs_no_traffic) {
  auto wire = make();
  const auto packet =
      roce_packet({v4_address(1), v4_address(2)}, roce_headers(Opcode::kSendOnly), 4096);
  {
    const FileSizeLimit limit{10'000};
    for (int i = 0; i < 100; ++i) EXPECT_EQ(send(*wire, packet), 1);
    wire.reset();
  }
  EXPECT_EQ(sent_.size(), 100);
  EXPECT_EQ(failures_, 1);
}

// The output of a shell command.
std::string output_of(const std::string& command) {
  std::string output;
  std::FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
  pclose(pipe);
  return output;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class TsharkTest : public PcapWireTest {
 protected:
  void SetUp() override {
    if (std::system("command -v tshark >/dev/null 2>&1") != 0) {
      GTEST_SKIP() << "SKIP: tshark is not installed (Debian package tshark)";
    }
    PcapWireTest::SetUp();
  }
  // One line per packet: protocols, opcode, PSN, status of the IP and UDP checksums (1 is good),
  // expert severities (error is 8388608).
  std::vector<std::string> dissect(const std::string& options = "") const {
    return lines_of(
        output_of("tshark -r " + path_ + " " + options +
                  " -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -T fields -E separator=' '"
                  " -e _ws.col.Protocol -e infiniband.bth.opcode -e infiniband.bth.psn"
                  " -e ip.checksum.status -e udp.checksum.status 2>/dev/null"));
  }
  std::vector<std::string> malformed(const std::string& options = "") const {
    return lines_of(output_of("tshark -r " + path_ + " " + options +
                              " -Y '_ws.malformed || _ws.expert.severity == \"Error\"'"
                              " 2>/dev/null"));
  }
  void write_every_opcode(const proto::Flow& flow) {
    auto wire = make();
    for (std::uint8_t opcode = 0; opcode <= 0x14; ++opcode) {
      auto headers = roce_headers(static_cast<Opcode>(opcode));
      headers.bth.psn = opcode;
      const bool payload = proto::opcode_traits(headers.opcode()).payload;
      send(*wire, roce_packet(flow, headers, payload ? 257 : 0));
    }
  }
};

TEST_F(TsharkTest, dissects_ipv4_at_the_roce_port_plainly) {
  write_every_opcode({v4_address(1), v4_address(2)});
  const auto lines = dissect();
  ASSERT_EQ(lines.size(), 21);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // UDP checksum status 3: not present.
    EXPECT_EQ(lines[i], "RRoCE " + std::to_string(i) + " " + std::to_string(i) + " 1 3");
  }
  EXPECT_THAT(malformed(), ElementsAre());
}

TEST_F(TsharkTest, dissects_ipv6_with_a_good_udp_checksum) {
  write_every_opcode({v6_address(1), v6_address(2)});
  const auto lines = dissect();
  ASSERT_EQ(lines.size(), 21);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i], "RRoCE " + std::to_string(i) + " " + std::to_string(i) + "  1");
  }
  EXPECT_THAT(malformed(), ElementsAre());
}

TEST_F(TsharkTest, dissects_other_ports_by_its_decode_as_option) {
  write_every_opcode({v4_address(1, kOtherPort), v4_address(2, kOtherPort)});
  const std::string decode_as = "-d udp.port==" + std::to_string(kOtherPort) + ",infiniband";
  const auto lines = dissect(decode_as);
  ASSERT_EQ(lines.size(), 21);
  EXPECT_TRUE(lines[4].starts_with("RRoCE 4 4 1")) << lines[4];
  EXPECT_THAT(malformed(decode_as), ElementsAre());
}

}  // namespace
}  // namespace mapwire::nic_fw
