// One ordinary UDP socket that speaks RoCEv2 from exactly one local address. It needs no privilege.
// Set-up only; packets go through udp_sender.h and udp_receiver.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire::nic_fw {

struct UdpSocketOptions {
  std::uint16_t port = 0;  // 0: the kernel chooses
  // Whether to ask the kernel for segmented sends and merged receives, which old and emulated ones
  // refuse. Without them each packet is a message of its own.
  bool segments = true;
  bool merges = true;
};

class UdpSocket {
 public:
  // Opens a non-blocking socket bound to `local`. It is never connected and never fragments: only
  // so do IPv4 packets leave with identifications that are known, since the ICRC covers them: 0, or
  // counted from 0 in a segmented send. Errors: kInvalidArgument (an unspecified or multicast
  // address; link-local without interface), kAddressInUse, kPermission (a privileged port),
  // kSystemCall (not an address of this host, no descriptors).
  static std::expected<UdpSocket, Error> open(const proto::IpAddress& local,
                                              const UdpSocketOptions& options);

  int fd() const { return fd_.get(); }
  // The bound address, with the port the kernel chose.
  const proto::UdpAddress& address() const { return address_; }
  // What the kernel granted, which is less than asked for where net.core.rmem_max is small.
  std::size_t receive_buffer_bytes() const;
  std::size_t send_buffer_bytes() const;
  // Whether packets may be sent in runs: see udp_run.h.
  bool segments() const { return segments_; }
  // A run was refused and its packets were not: the path can not do it.
  void stop_segmenting() { segments_ = false; }
  // Whether datagrams may be several packets: see udp_split.h.
  bool merges() const { return merges_; }

 private:
  UdpSocket(UniqueFd fd, const proto::UdpAddress& address, const UdpSocketOptions& options);

  UniqueFd fd_;
  proto::UdpAddress address_;
  bool segments_;
  bool merges_;
};

}  // namespace mapwire::nic_fw
