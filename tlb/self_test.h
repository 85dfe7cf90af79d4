// Whether the kernel answers as the watch relies on: the answers are those of its code, not of its
// documentation.
#pragma once

#include <expected>

#include "mapwire/runtime/error.h"
#include "mapwire/tlb/user_fault.h"

namespace mapwire::tlb {

// Tries it on pages of its own, with a thread that unmaps some of them. Errors: kSystemCall, which
// names the answer that was wrong. Call before anybody else uses `fault`.
std::expected<void, Error> self_test(const UserFault& fault);

}  // namespace mapwire::tlb
