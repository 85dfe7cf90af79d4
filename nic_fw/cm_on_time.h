// Timers of the communication manager: messages that nobody answers. IBTA 12.9.8.
#pragma once

#include "mapwire/nic_fw/cm_core.h"

namespace mapwire::nic_fw {

// The timer of `connection` is due. It may be gone afterwards.
void on_cm_time(CmCore& core, CmConnection& connection);

}  // namespace mapwire::nic_fw
