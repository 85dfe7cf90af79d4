// Two communication managers and the network between them, for tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mapwire/nic_fw/cm_engine.h"
#include "mapwire/proto/cm_mad.h"

namespace mapwire::nic_fw {

inline constexpr proto::IpAddress kActiveIp{.bytes = {127, 0, 0, 1}};
inline constexpr proto::IpAddress kPassiveIp{.bytes = {127, 0, 0, 2}};
inline constexpr std::uint16_t kServicePort = 7174;
inline constexpr proto::UdpAddress kService{.ip = kPassiveIp, .port = kServicePort};
inline constexpr std::uint64_t kSecondNs = 1'000'000'000;

inline QueuePairAddress some_queue_pair(const proto::IpAddress& ip, Qpn qpn) {
  return {.udp = {.ip = ip, .port = proto::kRocePort},
          .qpn = qpn,
          .first_psn = qpn + 1000,
          .path_mtu_max = 4096,
          .read_atomic_max = 32};
}

inline CmConnect some_connect(Qpn qpn, std::uint64_t deadline_ns = UINT64_MAX) {
  return {.local = kActiveIp,
          .service = kService,
          .queue_pair = some_queue_pair(kActiveIp, qpn),
          .path_mtu = 1024,
          .private_data = {},
          .deadline_ns = deadline_ns};
}

// All events that wait.
inline std::vector<CmEvent> events_of(CmEngine& engine) {
  std::vector<CmEvent> all;
  CmEvent event;
  while (engine.poll_events({&event, 1}) == 1) all.push_back(event);
  return all;
}

// All MADs that wait, decoded.
struct SentMad {
  CmPath path;
  proto::CmMad mad;
};
inline std::vector<SentMad> mads_of(CmEngine& engine) {
  std::vector<SentMad> all;
  CmDatagram datagram;
  while (engine.take_datagrams({&datagram, 1}) == 1) {
    all.push_back({.path = datagram.path, .mad = *proto::parse_cm_mad(datagram.mad)});
  }
  return all;
}

inline CmPath turned(const CmPath& path) { return {.local = path.remote, .remote = path.local}; }

// Gives a MAD to the engine at its other end.
inline void deliver(CmEngine& to, const SentMad& sent, std::uint64_t now_ns = 0) {
  to.on_mad(turned(sent.path), proto::write_cm_mad(sent.mad), now_ns);
}

// Carries MADs between the two until nobody has any more.
inline void exchange(CmEngine& a, CmEngine& b, std::uint64_t now_ns = 0) {
  while (a.has_datagrams() || b.has_datagrams()) {
    for (const SentMad& sent : mads_of(a)) deliver(b, sent, now_ns);
    for (const SentMad& sent : mads_of(b)) deliver(a, sent, now_ns);
  }
}

}  // namespace mapwire::nic_fw
