// What the library of this process has of the shm wire, found as a debugger would: its blocks,
// those of its peers, and the sockets between them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace mapwire::hostile {

// Ours, mapped once more, as the library lets go of them when the peer does.
std::vector<std::span<std::byte>> own_blocks();
// As the library has mapped them.
std::vector<std::span<std::byte>> peer_blocks();

// Descriptors of our blocks, and of the sockets to peers. The library owns them.
std::vector<int> block_descriptors();
std::vector<int> channel_sockets();

}  // namespace mapwire::hostile
