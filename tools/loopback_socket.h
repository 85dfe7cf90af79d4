// A UDP socket on the loopback interface, for baselines.
#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <expected>
#include <string_view>

#include "mapwire/runtime/error.h"

namespace mapwire::tools {

// The most that one datagram of IPv4 holds.
inline constexpr std::size_t kDatagramBytesMax = 65'507;

class LoopbackSocket {
 public:
  // Non-blocking, unconnected as the soft NIC's, on a free port of 127.0.0.1, where --local
  // measures. Errors: kSystemCall.
  static std::expected<LoopbackSocket, Error> open();
  LoopbackSocket(LoopbackSocket&& other) noexcept;
  LoopbackSocket& operator=(LoopbackSocket&&) = delete;
  ~LoopbackSocket();

  int fd() const { return fd_; }
  const sockaddr_in& address() const { return address_; }
  // Asks for as much room for packets that wait as the soft NIC does. Returns what was granted, in
  // bytes as the kernel counts them.
  std::size_t enlarge_receive_buffer() const;

 private:
  LoopbackSocket(int fd, const sockaddr_in& address) : fd_{fd}, address_{address} {}
  int fd_;
  sockaddr_in address_;
};

inline bool same_address(const sockaddr_in& one, const sockaddr_in& other) {
  return one.sin_port == other.sin_port && one.sin_addr.s_addr == other.sin_addr.s_addr;
}

// "<call> of the baseline" failed with `os_errno`.
Error socket_error(int os_errno, std::string_view call);

}  // namespace mapwire::tools
