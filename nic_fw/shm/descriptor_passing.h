// Messages with a file descriptor over a UNIX socket.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "mapwire/runtime/unique_fd.h"

namespace mapwire::nic_fw::shm {

// Sends `message` with a copy of `descriptor`, without blocking. False: errno tells why.
bool send_with_descriptor(int socket, std::span<const std::byte> message, int descriptor);

struct Received {
  std::size_t bytes = 0;  // of the message; more than asked for if it was longer
  UniqueFd descriptor;    // none unless exactly one came
};
// Takes the next message without blocking; the descriptors of a sender that sends several are
// closed. Nothing: errno tells why, 0 if the sender has closed.
std::optional<Received> receive_with_descriptor(int socket, std::span<std::byte> message);

}  // namespace mapwire::nic_fw::shm
