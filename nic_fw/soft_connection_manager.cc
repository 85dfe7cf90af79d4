#include "mapwire/nic_fw/soft_connection_manager.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <utility>

#include "mapwire/nic_fw/management_datagram.h"
#include "mapwire/proto/headers.h"

namespace mapwire::nic_fw {

std::expected<void, Error> SoftConnectionManager::listen(const proto::UdpAddress& service) {
  if (service.port == 0) {
    return std::unexpected(Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                                       "rdma:// listener: has port 0; name a port"));
  }
  const auto opened = wire_.open_roce_port(service.ip);
  if (!opened) return std::unexpected(opened.error());
  return engine_.listen({.ip = opened->ip, .port = service.port});
}

std::expected<CmId, Error> SoftConnectionManager::connect(const CmConnect& request,
                                                          std::uint64_t now_ns) {
  const auto opened = wire_.open_roce_port(request.local);
  if (!opened) return std::unexpected(opened.error());
  CmConnect reachable = request;
  reachable.local = opened->ip;
  reachable.service.ip.scope_id = 0;  // as in the packets that come from there: see wire.h
  auto id = engine_.connect(reachable, now_ns);
  transmit(now_ns);
  return id;
}

std::expected<void, Error> SoftConnectionManager::accept(CmId id, const CmAccept& answer,
                                                         std::uint64_t now_ns) {
  auto accepted = engine_.accept(id, answer, now_ns);
  transmit(now_ns);
  return accepted;
}

void SoftConnectionManager::reject(CmId id, CmRefusal reason, std::uint64_t now_ns) {
  engine_.reject(id, reason, now_ns);
  transmit(now_ns);
}

void SoftConnectionManager::establish(CmId id, std::uint64_t now_ns) {
  engine_.establish(id, now_ns);
  transmit(now_ns);
}

void SoftConnectionManager::disconnect(CmId id, std::uint64_t now_ns) {
  engine_.disconnect(id, now_ns);
  transmit(now_ns);
}

void SoftConnectionManager::on_packet(const WirePacket& packet, std::uint64_t now_ns) {
  const auto mad = read_management_packet(packet.flow, packet.bytes);
  if (!mad || packet.flow.destination.port != proto::kRocePort) {
    counters_.dropped_malformed.add();
    return;
  }
  engine_.on_mad({.local = packet.flow.destination.ip, .remote = packet.flow.source.ip}, *mad,
                 now_ns);
}

void SoftConnectionManager::progress(std::uint64_t now_ns) {
  if (engine_.next_deadline_ns() <= now_ns) engine_.on_time(now_ns);
  if (engine_.has_datagrams()) transmit(now_ns);
}

// What the wire has no room for is lost, as any datagram may be: its sender repeats it.
void SoftConnectionManager::transmit(std::uint64_t now_ns) {
  CmDatagram datagram;
  while (engine_.take_datagrams({&datagram, 1}) == 1) {
    const proto::Flow flow{.source = {.ip = datagram.path.local, .port = proto::kRocePort},
                           .destination = {.ip = datagram.path.remote, .port = proto::kRocePort}};
    const auto bytes = make_management_packet(flow, datagram.mad, next_psn_++);
    const WirePacket packet{.flow = flow, .bytes = bytes};
    if (wire_.send({&packet, 1}, now_ns) == 0) counters_.dropped_full.add();
  }
}

}  // namespace mapwire::nic_fw
