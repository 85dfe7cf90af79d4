// A network namespace of the test's own, in which UDP port 4791 has no other owner: neither the
// kernel's rdma_rxe nor a test that runs beside this one.
#pragma once

namespace mapwire::testing {

// Moves this thread, and those it starts from now on, to a fresh network namespace whose loopback
// is up; once is enough for a process. False: the system does not allow it (no root, and no user
// namespaces).
bool enter_own_network();

}  // namespace mapwire::testing
