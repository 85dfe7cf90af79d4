// A wire that also writes every packet, sent and received, to a pcap file that any analyser reads.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "mapwire/nic_fw/wire.h"
#include "mapwire/runtime/counters.h"
#include "mapwire/runtime/error.h"

namespace mapwire::nic_fw {

struct PcapOptions {
  std::string file;  // replaced if it exists
  // Added to now_ns to get the time of day in nanoseconds since 1970: the wire reads no clock.
  std::uint64_t wall_offset_ns = 0;
  // Counts 1 when the capture ended early because the file could not be written. Traffic goes on.
  Counter failures{};
};

// Wraps `inner`. The file is classic pcap with nanosecond timestamps and link type RAW (101): IPv4
// or IPv6, UDP, RoCEv2. Packets are buffered and reach the file when the
// buffer fills or the wire is destroyed, so a killed process loses the last ones.
//   tshark -r FILE                             ports 4791
//   tshark -r FILE -d udp.port==PORT,infiniband     any other port
// Errors: kBadFile (the file cannot be created or its header not written).
// Threads: as Wire. Writing may block on a slow disk: a tool for looking, not for measuring.
std::expected<std::unique_ptr<Wire>, Error> make_pcap_wire(std::unique_ptr<Wire> inner,
                                                           const PcapOptions& options);

}  // namespace mapwire::nic_fw
