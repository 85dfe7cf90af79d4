// The wire seam of the soft NIC: something that carries RoCEv2 packets. Real ones are udp
// (udp_wire.h) and sim (tests); faults, tracing and pcap capture are wires that wrap another wire.
// The packets that pass here are complete, ICRC included, so that a wrapper sees and harms what a
// cable would.
//
// Threads: owned by the NIC's thread. No call blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/error.h"

namespace mapwire::nic_fw {

// A packet on its way. `bytes` is the UDP payload and belongs to whoever filled it, until the call
// that it is passed to returns. The remote address of `flow` has scope_id 0: its interface is that
// of the local one.
struct WirePacket {
  proto::Flow flow;
  std::span<const std::byte> bytes;
};

// IPv4 packets leave with DF and an identification below this, for which their ICRC holds. They
// come to a wire sealed under 0, and one that gives them another (udp: the kernel counts the pieces
// of a segmented send) mends the ICRC.
inline constexpr std::uint16_t kIdentifications = 64;

class Wire {
 public:
  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  virtual ~Wire() = default;

  // "udp", "sim"; wrappers answer for what they wrap.
  virtual std::string_view name() const = 0;

  // Opens whatever is needed to exchange packets with `remote` from the local address `local`, and
  // says the UDP address under which peers reach us there. Asked again for the same `local` it
  // answers the same. Errors: kInvalidArgument (no address of one interface), kAddressInUse,
  // kPermission, kLimitReached, kSystemCall (not an address of this host).
  virtual std::expected<proto::UdpAddress, Error> open(const proto::IpAddress& local) = 0;

  // The same for packets of peers of another make, which send to proto::kRocePort alone: that is
  // the port of the answer. Errors: also kRocePortInUse.
  virtual std::expected<proto::UdpAddress, Error> open_roce_port(const proto::IpAddress& local) = 0;

  // The largest UDP payload that reaches the first hop towards `remote` from `local` in one piece,
  // in bytes. Errors: kSystemCall (no route).
  virtual std::expected<std::size_t, Error> payload_bytes_max(const proto::IpAddress& local,
                                                              const proto::IpAddress& remote) = 0;

  // Sends packets in order; returns how many were taken. Fewer than given means: no room now, try
  // again later (nothing is lost). A packet the network refuses for good counts as taken: the
  // transport recovers it like any loss.
  virtual std::size_t send(std::span<const WirePacket> packets, std::uint64_t now_ns) = 0;

  // Receives up to packets.size() packets; returns how many. Their bytes stay valid until the next
  // call.
  virtual std::size_t receive(std::span<WirePacket> packets, std::uint64_t now_ns) = 0;

  // Readable while packets wait, level-triggered; -1 if there is none (sim).
  virtual int event_fd() const = 0;

  // When receive() should be called again without an event (a wrapper that delays packets), in
  // now_ns's clock; UINT64_MAX if never. 0: at once, as packets are left that the last call had no
  // room for.
  virtual std::uint64_t next_deadline_ns() const = 0;
};

}  // namespace mapwire::nic_fw
