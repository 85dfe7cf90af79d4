// The gate: where a cell goes, if it may.
#pragma once

#include <list>

#include "mapwire/nic_fw/shm/core.h"

namespace mapwire::nic_fw::shm {

// `cell` came over `channel`; its payload is read from `reader` if it is not in the cell. Cells for
// queue pairs that are not connected to the sender of the channel are dropped and counted.
void on_cell(Core& core, Channel& channel, const Cell& cell, const RingReader& reader);

// A peer that wrote impossible positions is treated as one that died; its queue pairs fail.
void give_up_corrupt(Core& core, std::list<Channel>& channels);

}  // namespace mapwire::nic_fw::shm
