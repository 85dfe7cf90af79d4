// The NIC over libibverbs: RC queue pairs of an RDMA device, Soft-RoCE or hardware.
//
// Deadlines. Verbs has timers of its own, and they are coarse. A peer that is silent fails a
// request with kRetryExceeded at deadline_ns, or when the device gives up, after 8 tries 67 ms
// apart, if that is sooner. A request for which the peer has no receive is retried by the device
// for ever and failed here at rnr_deadline_ns. The device tells of whole requests only, so a long
// request is given the time that its bytes take at 1 MB/s on top.
//
// Failure. A queue pair that fails is reset, so that nothing of it is under way any more, and what
// was outstanding is completed here, in order.
//
// Fork. Memory regions survive a fork of the process: on kernels that copy pinned pages in the
// child (5.12) nothing is needed, on others ibv_fork_init() is called before the first region. The
// child must not use the NIC.
//
// Keys and QPNs are those of the device: rxe numbers them one after the other and gives a region
// the same lkey and rkey. First PSNs are random.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::verbs {

struct VerbsNicOptions {
  std::string device;  // "rxe0"; empty: the first that has a RoCE v2 address on an active port
  std::uint32_t queue_pairs_max = 4096;
  std::uint32_t completion_entries = 65536;
};

// Opens the device. Limits are the smaller of the options and the device's. Errors: kNoUsableNic
// (none is there; the message lists the candidates), kPermission, kOutOfMemory, kLimitReached,
// kSystemCall.
std::expected<std::unique_ptr<Nic>, Error> make_verbs_nic(const VerbsNicOptions& options);

}  // namespace mapwire::verbs
