// Abstract UNIX sockets by number, where processes of one network namespace meet: no file, and
// gone with the process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "mapwire/runtime/unique_fd.h"

namespace mapwire::nic_fw::shm {

// A socket that others reach by `number`, at most `waiting` at once. Nothing: errno tells why.
UniqueFd listen_at(std::uint64_t number, int waiting);

// A socket connected to the one at `number`. Nothing: errno tells why, ECONNREFUSED if nobody is
// there and EAGAIN if too many wait there.
UniqueFd connect_to(std::uint64_t number);

// The user that whoever listened or connected at the other end of the connected `socket` was of.
std::optional<uid_t> user_at(const UniqueFd& socket);

// Whether the process at the other end of the connected `socket` is the one that is met at
// `number`, by what the kernel says of both. If too many wait there to ask, a process of this user
// is believed: it could do anything to this one anyway.
bool is_met_at(std::uint64_t number, const UniqueFd& socket);

}  // namespace mapwire::nic_fw::shm
