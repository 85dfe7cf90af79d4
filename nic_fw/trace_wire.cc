#include "mapwire/nic_fw/trace_wire.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "mapwire/nic_fw/wire_wrapper.h"
#include "mapwire/proto/address.h"
#include "mapwire/proto/icrc.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {
namespace {

std::string nak_name(std::uint8_t value) {
  switch (static_cast<proto::NakCode>(value)) {
    case proto::NakCode::kPsnSequenceError: return "NAK(sequence)";
    case proto::NakCode::kInvalidRequest: return "NAK(invalid_request)";
    case proto::NakCode::kRemoteAccessError: return "NAK(remote_access)";
    case proto::NakCode::kRemoteOperationalError: return "NAK(remote_operational)";
  }
  return fmt::format("NAK({})", value);
}

std::string aeth_text(const proto::Aeth& aeth) {
  switch (aeth.type) {
    case proto::AethType::kAck: return fmt::format(" ACK(credits={}) msn={}", aeth.value, aeth.msn);
    case proto::AethType::kRnrNak:
      return fmt::format(" RNR(timer={}) msn={}", aeth.value, aeth.msn);
    case proto::AethType::kNak: return fmt::format(" {} msn={}", nak_name(aeth.value), aeth.msn);
    case proto::AethType::kReserved: break;
  }
  return fmt::format(" AETH(reserved) msn={}", aeth.msn);
}

std::string packet_text(const proto::Packet& packet) {
  std::string text = fmt::format(
      "{} qp=0x{:06x} psn=0x{:06x}{}{}", packet.traits.name, packet.bth.dest_qpn, packet.bth.psn,
      packet.bth.ack_request ? " A" : "", packet.bth.solicited ? " S" : "");
  auto out = std::back_inserter(text);
  if (packet.traits.reth) {
    fmt::format_to(out, " va=0x{:x} rkey=0x{:x} total={}", packet.reth.address, packet.reth.rkey,
                   packet.reth.length);
  }
  if (packet.traits.kind == proto::PacketKind::kAtomic) {
    fmt::format_to(out, " va=0x{:x} rkey=0x{:x} operand=0x{:x} compare=0x{:x}",
                   packet.atomic.address, packet.atomic.rkey, packet.atomic.swap_or_add,
                   packet.atomic.compare);
  }
  if (packet.traits.aeth) text += aeth_text(packet.aeth);
  if (packet.traits.kind == proto::PacketKind::kAtomicAcknowledge) {
    fmt::format_to(out, " original=0x{:x}", packet.atomic_original);
  }
  if (packet.traits.immediate) fmt::format_to(out, " imm=0x{:x}", packet.immediate);
  if (packet.traits.payload) fmt::format_to(out, " payload={}", packet.payload.size());
  return text;
}

// Nothing for a packet with identification 0, as most of ours have.
std::string icrc_text(const WirePacket& packet) {
  if (proto::verify_icrc(packet.flow, 0, packet.bytes)) return {};
  const auto identification = proto::solve_identification(packet.flow, packet.bytes);
  return identification ? fmt::format(" ip_id={}", *identification) : " BAD_ICRC";
}

class TraceWire final : public WireWrapper {
 public:
  TraceWire(std::unique_ptr<Wire> inner, std::function<void(std::string_view)> sink)
      : WireWrapper{std::move(inner)}, sink_{std::move(sink)} {}

  std::size_t send(std::span<const WirePacket> packets, std::uint64_t now_ns) override {
    const std::size_t taken = inner().send(packets, now_ns);
    for (const WirePacket& packet : packets.first(taken)) {
      sink_(trace_line(Direction::kSent, packet, now_ns));
    }
    return taken;
  }

  std::size_t receive(std::span<WirePacket> packets, std::uint64_t now_ns) override {
    const std::size_t received = inner().receive(packets, now_ns);
    for (const WirePacket& packet : packets.first(received)) {
      sink_(trace_line(Direction::kReceived, packet, now_ns));
    }
    return received;
  }

 private:
  std::function<void(std::string_view)> sink_;
};

}  // namespace

std::string trace_line(Direction direction, const WirePacket& packet, std::uint64_t now_ns) {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  std::string line =
      fmt::format("{}.{:09} {} {} {} ", now_ns / kSecondNs, now_ns % kSecondNs,
                  direction == Direction::kSent ? '>' : '<', proto::to_string(packet.flow.source),
                  proto::to_string(packet.flow.destination));
  const auto parsed = proto::parse_packet(packet.bytes);
  if (!parsed) {
    return line + fmt::format("{} bytes={}", proto::name(parsed.error()), packet.bytes.size());
  }
  line += packet_text(*parsed);
  return line + icrc_text(packet);
}

std::unique_ptr<Wire> make_trace_wire(std::unique_ptr<Wire> inner,
                                      std::function<void(std::string_view line)> sink) {
  return std::make_unique<TraceWire>(std::move(inner), std::move(sink));
}

}  // namespace mapwire::nic_fw
