// What nobody may be able to do to a block of the shm wire, whoever made it.
#pragma once

#include <cstddef>
#include <span>

namespace mapwire::hostile {

// Fails the program if the file can be cut, grown, emptied, written or unsealed.
void expect_sealed(int fd);

// Fails the program if memory that is mapped for reading can be made writable or emptied.
void expect_read_only(std::span<std::byte> memory);

}  // namespace mapwire::hostile
