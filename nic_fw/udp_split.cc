#include "mapwire/nic_fw/udp_split.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <cstddef>
#include <cstring>
#include <optional>

namespace mapwire::nic_fw {
namespace {

// The length the kernel tells: an int, though it fits 16 bits. A shorter control message says 0.
int told_bytes(const cmsghdr& control) {
  int bytes = 0;
  if (control.cmsg_len >= CMSG_LEN(sizeof(bytes))) {
    std::memcpy(&bytes, CMSG_DATA(&control), sizeof(bytes));
  }
  return bytes;
}

const cmsghdr* find_length(const msghdr& header) {
  // The macros want a header that may be written, and do not write it.
  auto& mutable_header = const_cast<msghdr&>(header);
  for (cmsghdr* control = CMSG_FIRSTHDR(&mutable_header); control != nullptr;
       control = CMSG_NXTHDR(&mutable_header, control)) {
    if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) return control;
  }
  return nullptr;
}

}  // namespace

std::optional<std::size_t> merged_packet_bytes(const msghdr& header, std::size_t bytes) {
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return std::nullopt;
  const cmsghdr* length = find_length(header);
  if (length == nullptr) return bytes;
  const int told = told_bytes(*length);
  if (told <= 0 || static_cast<std::size_t>(told) > bytes) return std::nullopt;
  return static_cast<std::size_t>(told);
}

}  // namespace mapwire::nic_fw
