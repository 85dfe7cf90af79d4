#include "tests/integration/hostile/flood.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <random>
#include <span>
#include <vector>

namespace mapwire::hostile {
namespace {

constexpr std::size_t kJunkBytesMax = 100'000;

struct Control {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kDescriptorsMax * sizeof(int))> bytes{};
};

bool send_with(int socket, std::span<const std::byte> message, std::span<const int> descriptors) {
  iovec memory{.iov_base = const_cast<std::byte*>(message.data()), .iov_len = message.size()};
  Control control;
  msghdr header{};
  header.msg_iov = &memory;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr& part = *CMSG_FIRSTHDR(&header);
  part.cmsg_level = SOL_SOCKET;
  part.cmsg_type = SCM_RIGHTS;
  part.cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(&part), descriptors.data(), descriptors.size_bytes());
  return ::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
}

}  // namespace

void send_junk(int socket, std::mt19937_64& random) {
  std::array<std::byte, 1024> junk{};
  std::ranges::generate(junk, [&] { return static_cast<std::byte>(random()); });
  std::vector<std::byte> message(1 + random() % kJunkBytesMax);
  for (std::byte& byte : message) byte = junk[random() % junk.size()];
  ::send(socket, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool send_descriptors(int socket, std::size_t count) {
  const std::byte byte{};
  return send_with(socket, std::span{&byte, 1}, std::vector<int>(count, socket));
}

bool send_hello(int socket, const proto::ShmHello& hello, int block, std::size_t count) {
  return send_with(socket, std::as_bytes(std::span{&hello, 1}), std::vector<int>(count, block));
}

bool send_hello(int socket, const proto::ShmHello& hello, int block) {
  return send_hello(socket, hello, block, 1);
}

}  // namespace mapwire::hostile
