// The leases that a context has granted on parts of its exports: each part is pinned from the grant
// until its importer returns it, or loses its connection. All together have half of what the
// context may pin, which is kept free for them as long as there are importers; when one more is
// wanted than has room, the oldest are recalled.
//
// Threads: guarded by the context's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "mapwire/endpoints/completion.h"
#include "mapwire/endpoints/detail/lease.h"
#include "mapwire/endpoints/detail/nic_memory.h"
#include "mapwire/endpoints/detail/path_counters.h"
#include "mapwire/endpoints/window.h"

namespace mapwire::detail {

// The memory of an export.
struct LentMemory {
  std::span<std::byte> memory;
  Access access;
  bool ended = false;  // by Lender::end()
};

class Lender {
 public:
  // What it asks of the control plane. Set before the first import.
  struct Hooks {
    // The importer that this endpoint serves is to know. (An importer of ours likewise tells its
    // exporter.)
    std::function<void(EndpointId, const LeaseMessage&)> tell;
    // A request waits: overdue() and progress() are to be called about once a millisecond, until
    // progress() answers false.
    std::function<void()> wait;
  };

  // All outlive it; the NIC's memory as long as there are importers.
  Lender(NicMemory& memory, PathCounters& counters, const Hooks& hooks);

  // Of a buffer of so many bytes. Nothing: what may be pinned is too little to lease.
  std::optional<LeaseBytes> lease_bytes(std::uint64_t buffer_bytes) const;

  // The endpoint serves an importer of that memory, who is given up if it does not return a
  // recalled lease for `deadline_ns`. Until forget().
  void admit(EndpointId importer, std::shared_ptr<const LentMemory> lent,
             std::uint64_t deadline_ns);
  // kWanted and kReturned of an importer. False: no honest one sends this.
  bool on_message(EndpointId importer, const LeaseMessage& message, std::uint64_t now_ns);
  // The endpoint is closed: its leases are over.
  void forget(EndpointId importer);
  // The export is over, and with it all leases on it. Not after the NIC.
  void end(LentMemory& lent);

  // An importer that keeps what was recalled beyond its deadline: to be closed. Nothing: there is
  // none.
  std::optional<EndpointId> overdue(std::uint64_t now_ns) const;
  // Tries again what waits. False: nothing does.
  bool progress(std::uint64_t now_ns);

 private:
  struct Importer {
    std::shared_ptr<const LentMemory> lent;
    std::uint64_t deadline_ns = 0;
  };
  struct Lease {
    EndpointId importer = 0;
    std::shared_ptr<const LentMemory> lent;
    MemoryKeys keys;
    std::uint64_t bytes = 0;  // of whole pages
    std::optional<std::uint64_t> recalled_ns;
  };
  struct Request {
    EndpointId importer = 0;
    std::span<std::byte> memory;
    std::uint64_t since_ns = 0;
  };

  bool on_wanted(EndpointId importer, const LeaseRange& range, std::uint64_t now_ns);
  bool on_returned(EndpointId importer, std::uint32_t rkey, std::uint64_t now_ns);
  void serve(std::uint64_t now_ns);
  Code grant(const Request& request);
  void make_room(std::uint64_t bytes, std::uint64_t now_ns);
  bool recall_oldest(std::uint64_t now_ns);
  void refuse(const Request& request, Code code);
  template <class Predicate>
  void drop(Predicate predicate);
  void set_share_aside();

  NicMemory& memory_;
  PathCounters& counters_;
  const Hooks& hooks_;
  std::uint64_t share_;         // what all leases may pin
  std::uint64_t leased_ = 0;    // what they do
  std::uint64_t recalled_ = 0;  // of that
  std::unordered_map<EndpointId, Importer> importers_;
  std::vector<Lease> leases_;     // in the order of their grants
  std::deque<Request> requests_;  // of each importer one at most
};

}  // namespace mapwire::detail
