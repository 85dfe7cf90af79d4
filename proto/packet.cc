#include "mapwire/proto/packet.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <string_view>

#include "mapwire/proto/endian.h"
#include "mapwire/proto/headers.h"
#include "mapwire/proto/opcode.h"

namespace mapwire::proto {
namespace {

std::size_t extension_bytes(const OpcodeTraits& traits) {
  std::size_t bytes = 0;
  if (traits.kind == PacketKind::kDatagram) bytes += sizeof(DethWire);
  if (traits.reth) bytes += sizeof(RethWire);
  if (traits.kind == PacketKind::kAtomic) bytes += sizeof(AtomicEthWire);
  if (traits.aeth) bytes += sizeof(AethWire);
  if (traits.kind == PacketKind::kAtomicAcknowledge) bytes += sizeof(AtomicAckWire);
  if (traits.immediate) bytes += sizeof(ImmediateWire);
  return bytes;
}

// Walks a buffer one header at a time. The caller has checked the total length.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_{bytes} {}
  template <WireStruct T>
  T take() {
    T value = load<T>(rest_);
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  std::span<const std::byte> rest() const { return rest_; }

 private:
  std::span<const std::byte> rest_;
};

class Writer {
 public:
  explicit Writer(std::span<std::byte> bytes) : rest_{bytes} {}
  template <WireStruct T>
  void put(const T& value) {
    store(rest_, value);
    rest_ = rest_.subspan(sizeof(T));
  }
  std::span<std::byte> rest() const { return rest_; }

 private:
  std::span<std::byte> rest_;
};

// The order of extension headers is that of IBTA 9.2.1, table 38.
void read_extensions(Reader& in, Packet& packet) {
  const OpcodeTraits& traits = packet.traits;
  if (traits.kind == PacketKind::kDatagram) packet.deth = decode(in.take<DethWire>());
  if (traits.reth) packet.reth = decode(in.take<RethWire>());
  if (traits.kind == PacketKind::kAtomic) packet.atomic = decode(in.take<AtomicEthWire>());
  if (traits.aeth) packet.aeth = decode(in.take<AethWire>());
  if (traits.kind == PacketKind::kAtomicAcknowledge) {
    packet.atomic_original = in.take<AtomicAckWire>().original;
  }
  if (traits.immediate) packet.immediate = in.take<ImmediateWire>().value;
}

void write_extensions(Writer& out, const Packet& packet, const OpcodeTraits& traits) {
  if (traits.kind == PacketKind::kDatagram) out.put(encode(packet.deth));
  if (traits.reth) out.put(encode(packet.reth));
  if (traits.kind == PacketKind::kAtomic) out.put(encode(packet.atomic));
  if (traits.aeth) out.put(encode(packet.aeth));
  if (traits.kind == PacketKind::kAtomicAcknowledge) out.put(AtomicAckWire{packet.atomic_original});
  if (traits.immediate) out.put(ImmediateWire{packet.immediate});
}

std::size_t pad_bytes(std::size_t payload_bytes) { return (4 - payload_bytes % 4) % 4; }

}  // namespace

std::string_view name(PacketError error) {
  switch (error) {
    case PacketError::kTruncated: return "truncated";
    case PacketError::kUnknownOpcode: return "unknown_opcode";
    case PacketError::kBadVersion: return "bad_version";
    case PacketError::kOversized: return "oversized";
    case PacketError::kBadLength: return "bad_length";
  }
  return "?";
}

std::expected<Packet, PacketError> parse_packet(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(BthWire) + kIcrcBytes) return std::unexpected(PacketError::kTruncated);
  if (bytes.size() > kPacketBytesMax) return std::unexpected(PacketError::kOversized);
  Reader in{bytes.first(bytes.size() - kIcrcBytes)};
  Packet packet;
  packet.bth = decode(in.take<BthWire>());
  if (packet.bth.transport_version != 0) return std::unexpected(PacketError::kBadVersion);
  auto traits = opcode_traits(packet.bth.opcode);
  if (!traits) return std::unexpected(PacketError::kUnknownOpcode);
  packet.traits = *traits;
  const std::size_t tail = packet.bth.pad_bytes;
  if (in.rest().size() < extension_bytes(*traits) + tail) {
    return std::unexpected(PacketError::kTruncated);
  }
  read_extensions(in, packet);
  const std::size_t data_and_pad = in.rest().size();
  if (data_and_pad % 4 != 0 || (!traits->payload && data_and_pad != 0)) {
    return std::unexpected(PacketError::kBadLength);
  }
  packet.payload = in.rest().first(data_and_pad - tail);
  return packet;
}

std::size_t header_bytes(Opcode opcode) {
  return sizeof(BthWire) + extension_bytes(opcode_traits(opcode));
}

std::size_t packet_bytes(Opcode opcode, std::size_t payload_bytes) {
  return header_bytes(opcode) + payload_bytes + pad_bytes(payload_bytes) + kIcrcBytes;
}

std::span<std::byte> write_packet(std::span<std::byte> out, const Packet& packet,
                                  std::size_t payload_bytes) {
  Bth bth = packet.bth;
  bth.pad_bytes = static_cast<std::uint8_t>(pad_bytes(payload_bytes));
  Writer writer{out};
  writer.put(encode(bth));
  write_extensions(writer, packet, opcode_traits(packet.opcode()));
  auto payload = writer.rest().first(payload_bytes);
  auto pad = writer.rest().subspan(payload_bytes, bth.pad_bytes);
  if (!pad.empty()) std::memset(pad.data(), 0, pad.size());
  return payload;
}

}  // namespace mapwire::proto
