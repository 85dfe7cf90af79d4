// Two soft NICs of this process that meet in shared memory, and what it takes to pass for one.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "mapwire/nic_fw/shm/meeting_place.h"
#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/udp_wire.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/clock.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire::nic_fw::shm_test {

inline const proto::IpAddress kLoopback{.family = proto::IpFamily::kV4, .bytes = {127, 0, 0, 1}};
inline constexpr std::uint64_t kPatienceNs = 60'000'000'000;
inline constexpr QueuePairOptions kPatient{.deadline_ns = kPatienceNs,
                                           .rnr_deadline_ns = kPatienceNs};

inline std::unique_ptr<Nic> make_nic() {
  auto nic = make_soft_nic({.shared_memory = true}, make_udp_wire({}, nullptr).value(), nullptr);
  EXPECT_TRUE(nic.has_value());
  return std::move(*nic);
}

inline QueuePairAddress open(Nic& nic) {
  return nic.open_queue_pair(kPatient, kLoopback, kLoopback).value();
}

inline void connect(Nic& nic, const QueuePairAddress& own, const QueuePairAddress& peer) {
  ASSERT_TRUE(nic.connect_queue_pair(own.qpn, {.address = peer, .path_mtu = 4096}, now_ns()));
  ASSERT_EQ(nic.wire_of(own.qpn), kShmWire);
}

inline proto::Sge element(std::uint64_t& word) {
  return {.address = reinterpret_cast<std::uint64_t>(&word), .bytes = sizeof(word)};
}

inline bool post_receive(Nic& nic, Qpn qpn, std::uint64_t& word) {
  proto::ReceiveDescriptor descriptor{.cookie = 1, .sge_count = 1};
  descriptor.sge[0] = element(word);
  return nic.post_receive(qpn, descriptor, now_ns());
}

inline bool post_send(Nic& nic, Qpn qpn, std::uint64_t& word) {
  proto::SendDescriptor descriptor{.cookie = 2, .sge_count = 1};
  descriptor.sge[0] = element(word);
  return nic.post_send(qpn, descriptor, now_ns());
}

// A socket connected to where `nic` is met, unless too many others wait there.
inline UniqueFd socket_to(const SharedMemoryAddress& nic) { return shm::connect_to(nic.socket); }

}  // namespace mapwire::nic_fw::shm_test
