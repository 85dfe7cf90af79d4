#include "mapwire/nic_fw/shm/descriptor_passing.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

namespace mapwire::nic_fw::shm {
namespace {

// Two, so that a second descriptor is seen; the system closes what finds no room.
constexpr std::size_t kDescriptorsMax = 2;

struct Control {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kDescriptorsMax * sizeof(int))> bytes{};
};

msghdr message_of(iovec& memory, Control& control, std::size_t control_bytes) {
  msghdr message{};
  message.msg_iov = &memory;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control_bytes;
  return message;
}

std::size_t descriptors_in(const cmsghdr& part) {
  if (part.cmsg_level != SOL_SOCKET || part.cmsg_type != SCM_RIGHTS) return 0;
  return (part.cmsg_len - CMSG_LEN(0)) / sizeof(int);
}

// All of them are owned from here on; one is kept if it is the only one.
UniqueFd take_only_descriptor(msghdr& message) {
  UniqueFd only;
  std::size_t count = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    for (std::size_t i = 0; i < descriptors_in(*part); ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      only = UniqueFd{descriptor};
      ++count;
    }
  }
  if (count != 1 || (message.msg_flags & MSG_CTRUNC) != 0) return UniqueFd{};
  return only;
}

}  // namespace

bool send_with_descriptor(int socket, std::span<const std::byte> message, int descriptor) {
  iovec memory{.iov_base = const_cast<std::byte*>(message.data()), .iov_len = message.size()};
  Control control;
  msghdr header = message_of(memory, control, CMSG_SPACE(sizeof(int)));
  cmsghdr& part = *CMSG_FIRSTHDR(&header);
  part.cmsg_level = SOL_SOCKET;
  part.cmsg_type = SCM_RIGHTS;
  part.cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(&part), &descriptor, sizeof(int));
  const ssize_t sent = ::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(message.size());
}

std::optional<Received> receive_with_descriptor(int socket, std::span<std::byte> message) {
  iovec memory{.iov_base = message.data(), .iov_len = message.size()};
  Control control;
  msghdr header = message_of(memory, control, control.bytes.size());
  const ssize_t bytes = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
  if (bytes <= 0) {
    if (bytes == 0) errno = 0;
    return std::nullopt;
  }
  return Received{.bytes = static_cast<std::size_t>(bytes),
                  .descriptor = take_only_descriptor(header)};
}

}  // namespace mapwire::nic_fw::shm
