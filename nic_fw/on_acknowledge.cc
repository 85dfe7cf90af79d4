#include "mapwire/nic_fw/acknowledged.h"
#include "mapwire/nic_fw/on_answer.h"
#include "mapwire/nic_fw/retransmit.h"

namespace mapwire::nic_fw {
namespace {

void on_ack(EngineCore& core, QueuePair& qp, Psn psn, const proto::Aeth& aeth) {
  Requester& requester = qp.requester;
  core.counters.acks_received.add();
  take_credits(qp, psn, aeth);
  if (psn < requester.unacknowledged_psn) return;  // a ghost, or only about credits
  if (acknowledge_up_to(core, qp, psn + 1)) return;
  // A READ or atomic was served and its answer lost.
  if (requester.response_gap.should_signal(requester.unacknowledged_psn, psn)) {
    recover_gap(core, qp);
  }
}

}  // namespace

void on_acknowledge(EngineCore& core, QueuePair& qp, const proto::Packet& packet) {
  const Requester& requester = qp.requester;
  const Psn psn = extend(packet.bth.psn, requester.unacknowledged_psn);
  if (psn >= requester.sent_end) return;  // never sent
  switch (packet.aeth.type) {
    case proto::AethType::kAck: on_ack(core, qp, psn, packet.aeth); return;
    case proto::AethType::kRnrNak:
      if (psn >= requester.unacknowledged_psn) on_rnr_nak(core, qp, psn, packet.aeth.value);
      return;
    case proto::AethType::kNak:
      if (psn >= requester.unacknowledged_psn) {
        on_nak(core, qp, psn, static_cast<proto::NakCode>(packet.aeth.value));
      }
      return;
    case proto::AethType::kReserved: return;
  }
}

}  // namespace mapwire::nic_fw
