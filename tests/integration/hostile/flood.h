// Messages that no peer of ours sends over the socket of the shm wire. None blocks: what finds no
// room is not sent.
#pragma once

#include <cstddef>
#include <random>

#include "mapwire/proto/shm_wire.h"

namespace mapwire::hostile {

// The most that the kernel passes with one message.
inline constexpr std::size_t kDescriptorsMax = 253;

// Some random bytes, up to 100 KB at once.
void send_junk(int socket, std::mt19937_64& random);

// Copies of one descriptor with one byte. False: it was not sent.
bool send_descriptors(int socket, std::size_t count);

// False: it was not sent. `block` may be any descriptor.
bool send_hello(int socket, const proto::ShmHello& hello, int block);
// With `count` of them.
bool send_hello(int socket, const proto::ShmHello& hello, int block, std::size_t count);

}  // namespace mapwire::hostile
