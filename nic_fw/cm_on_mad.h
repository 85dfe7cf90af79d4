// What each message of the communication manager does. `path` is where it came along, seen from
// here; anything in the message may be wrong or forged.
#pragma once

#include <cstdint>

#include "mapwire/nic_fw/cm_core.h"
#include "mapwire/proto/cm_mad.h"

namespace mapwire::nic_fw {

// Our words for a MAD's origin.
struct CmSource {
  CmPath path;
  std::uint64_t transaction_id = 0;
};

void on_cm_message(CmCore& core, const CmSource& source, const proto::CmReq& req);    // cm_on_req
void on_cm_message(CmCore& core, const CmSource& source, const proto::CmMra& mra);    // cm_on_mra
void on_cm_message(CmCore& core, const CmSource& source, const proto::CmRej& rej);    // cm_on_rej
void on_cm_message(CmCore& core, const CmSource& source, const proto::CmRep& rep);    // cm_on_rep
void on_cm_message(CmCore& core, const CmSource& source, const proto::CmRtu& rtu);    // cm_on_rtu
void on_cm_message(CmCore& core, const CmSource& source, const proto::CmDreq& dreq);  // cm_on_dreq
void on_cm_message(CmCore& core, const CmSource& source, const proto::CmDrep& drep);  // cm_on_drep

}  // namespace mapwire::nic_fw
