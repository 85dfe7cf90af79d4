// Packets, addresses and a recording wire for the tests of the wires.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "mapwire/nic_fw/wire.h"
#include "mapwire/proto/address.h"
#include "mapwire/proto/headers.h"
#include "mapwire/proto/icrc.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {

inline proto::UdpAddress v4_address(std::uint8_t host, std::uint16_t port = proto::kRocePort) {
  return {.ip = {.family = proto::IpFamily::kV4, .bytes = {192, 0, 2, host}}, .port = port};
}

inline proto::UdpAddress v6_address(std::uint8_t host, std::uint16_t port = proto::kRocePort) {
  proto::UdpAddress address{.ip = {.family = proto::IpFamily::kV6}, .port = port};
  address.ip.bytes = {0x20, 0x01, 0x0d, 0xb8};
  address.ip.bytes[15] = host;
  return address;
}

// A packet that owns its bytes.
struct OwnedPacket {
  proto::Flow flow;
  std::vector<std::byte> bytes{};
  WirePacket view() const { return {.flow = flow, .bytes = bytes}; }
};

inline OwnedPacket plain_packet(const proto::Flow& flow, std::uint8_t mark,
                                std::size_t bytes = 64) {
  return {.flow = flow, .bytes = std::vector<std::byte>(bytes, std::byte{mark})};
}

// A RoCEv2 packet with a valid ICRC for identification 0.
inline OwnedPacket roce_packet(const proto::Flow& flow, const proto::Packet& headers,
                               std::size_t payload_bytes) {
  OwnedPacket packet{.flow = flow};
  packet.bytes.resize(proto::packet_bytes(headers.opcode(), payload_bytes));
  auto payload = proto::write_packet(packet.bytes, headers, payload_bytes);
  std::ranges::fill(payload, std::byte{0x5a});
  proto::seal(flow, 0, packet.bytes);
  return packet;
}

inline proto::Packet roce_headers(proto::Opcode opcode) {
  proto::Packet packet;
  packet.bth.opcode = static_cast<std::uint8_t>(opcode);
  packet.bth.dest_qpn = 0xabcd;
  packet.bth.psn = 0x123;
  return packet;
}

// Keeps what is sent through it and hands out what the test puts in.
class RecordingWire final : public Wire {
 public:
  std::vector<OwnedPacket>* sent = nullptr;
  std::vector<OwnedPacket> incoming;
  std::size_t room = std::numeric_limits<std::size_t>::max();

  std::string_view name() const override { return "recording"; }
  std::expected<proto::UdpAddress, Error> open(const proto::IpAddress& local) override {
    return proto::UdpAddress{.ip = local, .port = proto::kRocePort};
  }
  std::expected<proto::UdpAddress, Error> open_roce_port(const proto::IpAddress& local) override {
    return open(local);
  }
  std::expected<std::size_t, Error> payload_bytes_max(const proto::IpAddress&,
                                                      const proto::IpAddress&) override {
    return 1472;
  }
  std::size_t send(std::span<const WirePacket> packets, std::uint64_t) override {
    const std::size_t taken = std::min(room, packets.size());
    for (const WirePacket& packet : packets.first(taken)) {
      sent->push_back({.flow = packet.flow, .bytes = {packet.bytes.begin(), packet.bytes.end()}});
    }
    return taken;
  }
  std::size_t receive(std::span<WirePacket> packets, std::uint64_t) override {
    const std::size_t count = std::min(packets.size(), incoming.size());
    for (std::size_t i = 0; i < count; ++i) packets[i] = incoming[i].view();
    return count;
  }
  int event_fd() const override { return -1; }
  std::uint64_t next_deadline_ns() const override {
    return std::numeric_limits<std::uint64_t>::max();
  }
};

}  // namespace mapwire::nic_fw
