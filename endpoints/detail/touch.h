// Tells the tripwires on a peer's memory of our own accesses. Cold: there seldom are any.
#pragma once

#include <cstdint>

#include "mapwire/endpoints/completion.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/trip_table.h"

namespace mapwire::detail {

// Of an access that was posted.
[[gnu::cold, gnu::noinline]] void touch(TripTable& wires, Operation operation,
                                        const proto::SendDescriptor& descriptor);
// Of one to the `bytes` bytes at `address`.
[[gnu::cold, gnu::noinline]] void touch(TripTable& wires, Operation operation,
                                        std::uint64_t address, std::uint64_t bytes);

}  // namespace mapwire::detail
