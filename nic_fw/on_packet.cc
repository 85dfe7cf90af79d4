#include "mapwire/nic_fw/on_packet.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/on_answer.h"
#include "mapwire/nic_fw/on_request.h"
#include "mapwire/nic_fw/wire.h"
#include "mapwire/proto/icrc.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {
namespace {

// The scope of a link-local address is a matter of this host and did not come with the packet.
bool same_host(const proto::IpAddress& a, const proto::IpAddress& b) {
  return a.family == b.family && a.bytes == b.bytes;
}

bool from_peer(const QueuePair& qp, const proto::Flow& flow) {
  if (qp.state == QueuePairState::kOpen) return false;  // there is no peer yet
  const proto::UdpAddress& peer = qp.peer.address.udp;
  // IBTA A17.9.2: the source port of another make is its own business.
  return same_host(flow.source.ip, peer.ip) && (qp.peer.foreign || flow.source.port == peer.port);
}

// Of our own make only few identifications are possible, which leaves 26 bits of proof.
bool intact(const QueuePair& qp, const proto::Flow& flow, std::span<const std::byte> bytes) {
  const auto identification = proto::solve_identification(flow, bytes);
  return identification && (qp.peer.foreign || *identification < kIdentifications);
}

bool acceptable(const proto::Packet& packet) {
  return packet.traits.kind != proto::PacketKind::kDatagram &&
         proto::in_default_partition(packet.bth.pkey);
}

void dispatch(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  const bool connected = qp.state == QueuePairState::kConnected;
  switch (packet.traits.kind) {
    case proto::PacketKind::kSend:
    case proto::PacketKind::kWrite:
    case proto::PacketKind::kReadRequest:
    case proto::PacketKind::kAtomic: on_request(core, qp, packet); return;
    case proto::PacketKind::kAcknowledge:
      if (connected) on_acknowledge(core, qp, packet);
      return;
    case proto::PacketKind::kReadResponse:
      if (connected) on_read_response(core, qp, packet);
      return;
    case proto::PacketKind::kAtomicAcknowledge:
      if (connected) on_atomic_acknowledge(core, qp, packet);
      return;
    case proto::PacketKind::kDatagram: return;  // not acceptable()
  }
}

QueuePair* drop(Counter& counter) {
  counter.add();
  return nullptr;
}

}  // namespace

QueuePair* deliver(EngineCore& core, const proto::Flow& flow, std::span<const std::byte> bytes) {
  core.counters.packets_received.add();
  const auto packet = proto::parse_packet(bytes);
  if (!packet || !acceptable(*packet)) return drop(core.counters.dropped_malformed);
  QueuePair* qp = core.queue_pairs.find(packet->bth.dest_qpn);
  if (qp == nullptr) return drop(core.counters.dropped_unknown_qpn);
  if (!from_peer(*qp, flow)) return drop(core.counters.dropped_source);
  if (!intact(*qp, flow, bytes)) return drop(core.counters.dropped_icrc);
  core.counters.payload_bytes_received.add(packet->payload.size());
  dispatch(core, *qp, *packet);
  return qp;
}

}  // namespace mapwire::nic_fw
