// The server of the growth measurement.
#pragma once

#include <cstdint>

namespace mapwire::growth {

// Two contexts, one with a listener on `port` and one on the next port, of which one is polled at a
// time. Begins when an endpoint was connected to each, in this order; ends when the client says so.
void serve(std::uint16_t port);

}  // namespace mapwire::growth
