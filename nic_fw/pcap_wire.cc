#include "mapwire/nic_fw/pcap_wire.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "mapwire/nic_fw/ip_packet.h"
#include "mapwire/nic_fw/wire_wrapper.h"

namespace mapwire::nic_fw {
namespace {

// The classic pcap format: draft-ietf-opsawg-pcap. Numbers are in the writer's byte order, which
// the magic number tells.
struct PcapFileHeader {
  std::uint32_t magic = 0xa1b2'3c4d;  // timestamps in nanoseconds
  std::uint16_t version_major = 2;
  std::uint16_t version_minor = 4;
  std::array<std::uint32_t, 2> reserved{};
  std::uint32_t packet_bytes_max = 65'535;
  std::uint32_t link_type = 101;  // RAW: begins with the IP header
};
static_assert(sizeof(PcapFileHeader) == 24 && std::is_trivially_copyable_v<PcapFileHeader>);

struct PcapPacketHeader {
  std::uint32_t seconds;
  std::uint32_t nanoseconds;
  std::uint32_t captured_bytes;
  std::uint32_t original_bytes;
};
static_assert(sizeof(PcapPacketHeader) == 16);

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

bool write(std::FILE* file, std::span<const std::byte> bytes) {
  return std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
}

template <class T>
bool write_value(std::FILE* file, const T& value) {
  return write(file, std::as_bytes(std::span{&value, 1}));
}

class PcapWire final : public WireWrapper {
 public:
  PcapWire(std::unique_ptr<Wire> inner, File file, const PcapOptions& options)
      : WireWrapper{std::move(inner)},
        file_{std::move(file)},
        wall_offset_ns_{options.wall_offset_ns},
        failures_{options.failures} {}

  ~PcapWire() override {
    if (file_ != nullptr && std::fflush(file_.get()) != 0) failures_.add();
  }

  std::size_t send(std::span<const WirePacket> packets, std::uint64_t now_ns) override {
    const std::size_t taken = inner().send(packets, now_ns);
    capture(packets.first(taken), now_ns);
    return taken;
  }

  std::size_t receive(std::span<WirePacket> packets, std::uint64_t now_ns) override {
    const std::size_t received = inner().receive(packets, now_ns);
    capture(packets.first(received), now_ns);
    return received;
  }

 private:
  void capture(std::span<const WirePacket> packets, std::uint64_t now_ns) {
    for (const WirePacket& packet : packets) {
      if (file_ == nullptr) return;
      if (write_packet(packet, now_ns)) continue;
      failures_.add();
      file_.reset();
    }
  }

  bool write_packet(const WirePacket& packet, std::uint64_t now_ns) {
    constexpr std::uint64_t kSecondNs = 1'000'000'000;
    const std::uint64_t wall_ns = wall_offset_ns_ + now_ns;
    std::array<std::byte, kIpUdpHeaderBytesMax> buffer{};
    const auto headers = write_ip_udp_headers(buffer, packet);
    const auto bytes = static_cast<std::uint32_t>(headers.size() + packet.bytes.size());
    const PcapPacketHeader header{.seconds = static_cast<std::uint32_t>(wall_ns / kSecondNs),
                                  .nanoseconds = static_cast<std::uint32_t>(wall_ns % kSecondNs),
                                  .captured_bytes = bytes,
                                  .original_bytes = bytes};
    return write_value(file_.get(), header) && write(file_.get(), headers) &&
           write(file_.get(), packet.bytes);
  }

  File file_;  // null once writing failed
  std::uint64_t wall_offset_ns_;
  Counter failures_;
};

}  // namespace

std::expected<std::unique_ptr<Wire>, Error> make_pcap_wire(std::unique_ptr<Wire> inner,
                                                           const PcapOptions& options) {
  File file{std::fopen(options.file.c_str(), "wbe")};
  if (file == nullptr || !write_value(file.get(), PcapFileHeader{}) ||
      std::fflush(file.get()) != 0) {
    return std::unexpected(Error::from_errno(Code::kBadFile, ErrorScope::kRequest, errno,
                                             "capture file " + options.file,
                                             "choose a file that can be written"));
  }
  return std::make_unique<PcapWire>(std::move(inner), std::move(file), options);
}

}  // namespace mapwire::nic_fw
