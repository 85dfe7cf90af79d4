// Makes the NIC of a context. The only file of this layer that knows kinds of NIC and wire.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "mapwire/endpoints/detail/settings.h"
#include "mapwire/runtime/counters.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::detail {

struct ChosenNic {
  std::unique_ptr<Nic> nic;
  std::string reason;      // why this one, for people
  bool shm_alone = false;  // peers that are not reached through shared memory are refused
};

// Errors: those of Context::create, kBadFile (pcap, trace). `counters` (null: none are kept)
// outlives the NIC.
std::expected<ChosenNic, Error> choose_nic(const Settings& settings, CounterBlock* counters);

}  // namespace mapwire::detail
