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

class UdpSocket {
 public:
  // Opens a non-blocking socket bound to `local`; port 0 lets the kernel choose. The socket is
  // never connected and never fragments: only so do IPv4 packets leave with identification 0, which
  // the ICRC covers. Errors: kInvalidArgument (an unspecified or multicast address; link-local
  // without interface), kAddressInUse, kPermission (a privileged port), kSystemCall (not an address
  // of this host, no descriptors).
  static std::expected<UdpSocket, Error> open(const proto::IpAddress& local, std::uint16_t port);

  int fd() const { return fd_.get(); }
  // The bound address, with the port the kernel chose.
  const proto::UdpAddress& address() const { return address_; }
  // What the kernel granted, which is less than asked for where net.core.rmem_max is small.
  std::size_t receive_buffer_bytes() const;
  std::size_t send_buffer_bytes() const;

 private:
  UdpSocket(UniqueFd fd, const proto::UdpAddress& address);

  UniqueFd fd_;
  proto::UdpAddress address_;
};

}  // namespace mapwire::nic_fw
