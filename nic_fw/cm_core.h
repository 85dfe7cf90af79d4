// What the parts of the communication manager share, and the steps that several messages lead to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "mapwire/nic_fw/cm_connection.h"
#include "mapwire/nic_fw/cm_counters.h"
#include "mapwire/nic_fw/cm_table.h"
#include "mapwire/nic_fw/random_source.h"
#include "mapwire/proto/cm_mad.h"
#include "mapwire/runtime/connection_manager.h"

namespace mapwire::nic_fw {

// Between two copies of a message that is not answered: 4.096 us * 2^16 = 268 ms.
inline constexpr std::uint8_t kCmIntervalExponent = 16;
inline constexpr std::uint64_t kCmIntervalNs = proto::cm_timeout_ns(kCmIntervalExponent);
inline constexpr std::uint64_t kCmIntervalMinNs = proto::cm_timeout_ns(10);  // 4 ms
inline constexpr std::uint8_t kCmRepeats = 15;  // the most that a REQ can say
// The application's time to answer a request or establish() a reply.
inline constexpr std::uint64_t kCmAnswerNs = 10'000'000'000;
inline constexpr std::uint8_t kCmServiceExponent = 21;  // what an MRA promises: 8.6 s
// Twice the life of a packet, as RoCE stacks assume it: 4.096 us * 2^18.
inline constexpr std::uint64_t kCmTimeWaitNs = 2 * proto::cm_timeout_ns(18);
// MADs that wait to be sent. More come only from a flood, which is answered in part.
inline constexpr std::size_t kCmDatagramsMax = 256;

struct CmCore {
  CmCore(const CmOptions& cm_options, const CmCounters& cm_counters)
      : options{cm_options},
        counters{cm_counters},
        random{options.random},
        ca_guid{random() | 1} {}  // 0 means none

  const CmOptions options;
  CmCounters counters;
  RandomSource random;
  const std::uint64_t ca_guid;
  std::vector<proto::UdpAddress> listeners;
  CmTable table;
  std::deque<CmDatagram> datagrams;  // at most kCmDatagramsMax
  // At most three of a connection, and no connection comes before the events of an older one that
  // had its place were taken: see has_room().
  std::deque<CmEvent> events;
  std::uint64_t now_ns = 0;
};

// Queues a MAD.
void cm_send(CmCore& core, const CmPath& path, std::uint64_t transaction_id,
             const proto::CmMessage& message);
// Sends `message` and repeats it every interval_ns until the state changes.
void cm_send_until_answered(CmCore& core, CmConnection& connection,
                            const proto::CmMessage& message);
// Sends `connection.sent` once more.
void cm_repeat(CmCore& core, const CmConnection& connection);
// Refuses the message that `answered` names. remote_comm_id 0: not known.
void cm_refuse(CmCore& core, const CmConnection& connection, proto::CmAnswered answered,
               proto::CmRejectReason reason);

// Tells the application. No effect on a connection that it does not hold.
void cm_tell(CmCore& core, const CmConnection& connection, CmEventKind kind);
void cm_tell(CmCore& core, const CmConnection& connection, CmEvent event);
// Tells the application of the end, after which it does not hold the connection any more.
void cm_tell_end(CmCore& core, CmConnection& connection, const CmEvent& event);

// Whether a further connection may be remembered; forgets the one that ended longest ago if that
// makes room.
bool cm_has_room(CmCore& core);
// The connection is over but remembered for what is still on its way.
void cm_linger(CmCore& core, CmConnection& connection, CmState state);
// Asks the peer to disconnect.
void cm_send_dreq(CmCore& core, CmConnection& connection);

}  // namespace mapwire::nic_fw
