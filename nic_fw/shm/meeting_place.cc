#include "mapwire/nic_fw/shm/meeting_place.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace mapwire::nic_fw::shm {
namespace {

constexpr int kSocketKind = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;

struct Name {
  sockaddr_un address{};
  socklen_t bytes = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Name name_of(std::uint64_t number) {
  const std::string text = fmt::format("mapwire-{:016x}", number);
  Name name;
  name.address.sun_family = AF_UNIX;
  std::memcpy(&name.address.sun_path[1], text.data(), text.size());
  name.bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  return name;
}

// Of who listened or connected at the other end.
std::optional<ucred> process_at(const UniqueFd& socket) {
  ucred process{};
  socklen_t bytes = sizeof(process);
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &process, &bytes) != 0) return {};
  return process;
}

}  // namespace

UniqueFd listen_at(std::uint64_t number, int waiting) {
  const Name name = name_of(number);
  UniqueFd socket{::socket(AF_UNIX, kSocketKind, 0)};
  if (!socket || ::bind(socket.get(), name.get(), name.bytes) != 0 ||
      ::listen(socket.get(), waiting) != 0) {
    return {};
  }
  return socket;
}

UniqueFd connect_to(std::uint64_t number) {
  const Name name = name_of(number);
  UniqueFd socket{::socket(AF_UNIX, kSocketKind, 0)};
  if (!socket || ::connect(socket.get(), name.get(), name.bytes) != 0) return {};
  return socket;
}

std::optional<uid_t> user_at(const UniqueFd& socket) {
  const auto process = process_at(socket);
  return process ? std::optional{process->uid} : std::nullopt;
}

bool is_met_at(std::uint64_t number, const UniqueFd& socket) {
  const auto process = process_at(socket);
  if (!process) return false;
  const UniqueFd there = connect_to(number);
  if (!there) return errno == EAGAIN && process->uid == ::geteuid();
  const auto owner = process_at(there);
  return owner && owner->pid == process->pid && owner->uid == process->uid;
}

}  // namespace mapwire::nic_fw::shm
