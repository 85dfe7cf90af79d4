// A wire that tells one line of text about each packet that passes, for reading how a connection
// (or a failing seed) went.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "mapwire/nic_fw/wire.h"

namespace mapwire::nic_fw {

enum class Direction : std::uint8_t { kSent, kReceived };

// The line for one packet, without newline: time in seconds, direction, source and destination,
// opcode, destination QPN, PSN, flags (A: acknowledgement requested, S: solicited), the extension
// headers, payload bytes; and "BAD_ICRC", the identification of a foreign IPv4 packet if it is
// not 0, or why the packet could not be parsed:
//   0.001234567 > 192.0.2.1:4791 192.0.2.2:4791 WRITE_FIRST qp=0x00abcd psn=0x000123 A
//   va=0x1000 rkey=0x5 total=4096 payload=1024
std::string trace_line(Direction direction, const WirePacket& packet, std::uint64_t now_ns);

// Wraps `inner`. `sink` gets the line of each packet, in the order of sending and receiving, on the
// wire's thread; sent packets are told when the wire takes them. Not for measuring: it allocates.
// Threads: as Wire.
std::unique_ptr<Wire> make_trace_wire(std::unique_ptr<Wire> inner,
                                      std::function<void(std::string_view line)> sink);

}  // namespace mapwire::nic_fw
