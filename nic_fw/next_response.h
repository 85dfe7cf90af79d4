// Makes the responder's packets: READ responses, atomic acknowledgements, ACK, NAK and RNR NAK.
// They leave in the order of their PSNs (IBTA 9.7.5.1.2): a NAK or ACK waits for the responses due.
#pragma once

#include <cstdint>

#include "mapwire/nic_fw/engine_core.h"
#include "mapwire/nic_fw/queue_pair.h"
#include "mapwire/proto/headers.h"

namespace mapwire::nic_fw {

// Whether a response or NAK is due.
bool response_due(const QueuePair& qp);
// Whether a plain acknowledgement is due and nothing has to go before it.
bool acknowledgement_due(const QueuePair& qp);

// Puts the next response or NAK into `slot`. False if none came of it: the memory it reads is gone,
// which a NAK says next. Precondition: response_due().
bool put_next_response(EngineCore& core, QueuePair& qp, TransmitSlot& slot);

// Puts an acknowledgement of everything executed into `slot`. Precondition: acknowledgement_due().
void put_acknowledgement(EngineCore& core, QueuePair& qp, TransmitSlot& slot);

// The application posted receives: tells a peer that was told there are none (IBTA 9.7.7.2.4).
void advertise_receives(QueuePair& qp);

// The AETH of an answer that is no NAK: message count and credits.
proto::Aeth positive_aeth(QueuePair& qp);

// The response at respond_psn of `resource`. False: its region is gone.
bool put_read_response(EngineCore& core, QueuePair& qp, const ReadAtomicResource& resource,
                       TransmitSlot& slot);
void put_atomic_acknowledge(EngineCore& core, QueuePair& qp, const ReadAtomicResource& resource,
                            TransmitSlot& slot);

}  // namespace mapwire::nic_fw
