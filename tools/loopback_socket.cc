#include "tools/loopback_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace mapwire::tools {
namespace {

constexpr int kReceiveBufferBytes = 8 << 20;

}  // namespace

std::expected<LoopbackSocket, Error> LoopbackSocket::open() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof(address);
  LoopbackSocket opened{socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), address};
  if (opened.fd() < 0 || bind(opened.fd(), any, length) != 0 ||
      getsockname(opened.fd(), any, &length) != 0) {
    return std::unexpected(socket_error(errno, "a UDP socket on 127.0.0.1"));
  }
  opened.address_ = address;
  return opened;
}

LoopbackSocket::LoopbackSocket(LoopbackSocket&& other) noexcept
    : fd_{std::exchange(other.fd_, -1)}, address_{other.address_} {}

LoopbackSocket::~LoopbackSocket() {
  if (fd_ >= 0) close(fd_);
}

std::size_t LoopbackSocket::enlarge_receive_buffer() const {
  int bytes = kReceiveBufferBytes;
  socklen_t length = sizeof(bytes);
  // The first needs a privilege; the second grants less than was asked for, which is no error.
  if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, length) != 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, length);
  }
  if (getsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, &length) != 0) return 0;
  return static_cast<std::size_t>(bytes);
}

Error socket_error(int os_errno, std::string_view call) {
  return Error::from_errno(Code::kSystemCall, ErrorScope::kRequest, os_errno,
                           fmt::format("{} of the baseline", call),
                           "measure without --baseline, and look at `mapwire doctor`");
}

}  // namespace mapwire::tools
