// What the callers of other languages change in mapwire for their test (test_seam.h), for C.
#pragma once

// NOLINTBEGIN: C has no other headers and no other names.
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Before the first context: puts a NIC with real pins in front of every soft NIC; without `verify`,
// translations are used without a look at whether they hold.
void mapwire_test_pin(int verify);
// Look-ups of this process that were answered by a kept translation.
uint64_t mapwire_test_hits(void);

#ifdef __cplusplus
}
#endif
// NOLINTEND
