// A connection as the communication manager knows it: plain state. What happens to it stands in
// one file per message (cm_on_*.cc).
#pragma once

#include <cstdint>

#include "mapwire/nic_fw/cm_engine.h"
#include "mapwire/proto/cm_mad.h"
#include "mapwire/runtime/connection_manager.h"

namespace mapwire::nic_fw {

// IBTA 12.9.7. The states in which an MRA was sent or received are those below with a longer timer.
enum class CmState : std::uint8_t {
  kReqSent,
  kReqReceived,  // waits for the application's answer
  kRepSent,
  kRepReceived,  // waits for the application to establish()
  kEstablished,
  kDreqSent,
  kRejected,  // by us; remembered for duplicates of the request
  kTimeWait,  // remembered for what is still on its way
};

struct CmConnection {
  CmId id = 0;
  CmState state = CmState::kReqSent;
  // The application holds the id: it is to be told of the end.
  bool held = true;
  CmPath path;
  proto::UdpAddress service;
  std::uint32_t local_comm_id = 0;
  std::uint32_t remote_comm_id = 0;  // 0: not known yet
  std::uint64_t transaction_id = 0;
  std::uint64_t remote_guid = 0;
  QueuePairAddress own;
  QueuePairAddress peer;
  std::uint32_t path_mtu = 0;

  // The message that is repeated until it is answered.
  proto::CmMessage sent;
  std::uint64_t interval_ns = 0;
  std::uint32_t repeats_left = 0;
  std::uint64_t give_up_at_ns = UINT64_MAX;
  std::uint64_t timer_ns = UINT64_MAX;  // see CmTable::arm
};

}  // namespace mapwire::nic_fw
