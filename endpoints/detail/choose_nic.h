// Makes the NIC of a context. The only file of this layer that knows kinds of NIC and wire.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "mapwire/runtime/counters.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/options.h"

namespace mapwire::detail {

struct ChosenNic {
  std::unique_ptr<Nic> nic;
  std::string reason;  // why this one, for people
};

// Errors: kBadOption (faults), kBadFile (pcap, trace), kSystemCall, kOutOfMemory. `counters` (null:
// none are kept) outlives the NIC.
std::expected<ChosenNic, Error> choose_nic(const Options& options, CounterBlock* counters);

}  // namespace mapwire::detail
