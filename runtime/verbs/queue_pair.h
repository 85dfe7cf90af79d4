// A queue pair of the device with what we know of it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

#include "mapwire/proto/address.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/verbs/handles.h"
#include "mapwire/runtime/verbs/request_queue.h"
#include "mapwire/runtime/verbs/verbs_device.h"

namespace mapwire::verbs {

struct QueuePair {
  enum class State : std::uint8_t {
    kOpen,
    kConnected,
    kFailing,  // in error at the device; ended here before the caller gets control back
    kFailed,
  };

  QueuePair(QueuePairHandle queue_pair, const QueuePairOptions& wanted)
      : handle{std::move(queue_pair)},
        options{wanted},
        sends{wanted.send_entries},
        receives{wanted.receive_entries} {}

  std::uint32_t qpn() const { return handle->qp_num; }
  RequestQueue& queue(bool is_receive) { return is_receive ? receives : sends; }
  std::uint64_t entries() const { return sends.entries() + receives.entries(); }

  QueuePairHandle handle;
  QueuePairOptions options;
  VerbsGid gid;
  std::uint32_t first_psn = 0;
  std::uint32_t inline_bytes = 0;  // a message of so many bytes may go into its work request
  State state = State::kOpen;
  bool holds_back = false;        // a send waits that the device never gets; so do those behind it
  bool oldest_fails = false;      // when it ends, the oldest send does with its verdict
  std::uint64_t progress_ns = 0;  // when the oldest send became the oldest
  RequestQueue sends;
  RequestQueue receives;
};

// A work request carries its queue pair and the kind of its queue. Completions of a queue pair are
// taken out of the completion queue before it goes, so the pointer is good whenever one is read.
inline std::uint64_t work_id(QueuePair& pair, bool is_receive) {
  return reinterpret_cast<std::uint64_t>(&pair) | (is_receive ? 1U : 0U);
}
inline QueuePair& pair_of(std::uint64_t work_id) {
  return *reinterpret_cast<QueuePair*>(work_id & ~std::uint64_t{1});
}
inline bool is_receive(std::uint64_t work_id) { return (work_id & 1) != 0; }

// Creates a queue pair whose context pointer the caller sets. Errors: see failures.h.
std::expected<QueuePairHandle, Error> create_queue_pair(const std::string& device, ibv_pd* domain,
                                                        ibv_cq* completions,
                                                        const QueuePairOptions& options,
                                                        std::uint32_t& inline_bytes);

// The transitions of IBTA 10.3.1. Errors: see failures.h.
std::expected<void, Error> to_init(const std::string& device, QueuePair& pair);
std::expected<void, Error> to_ready(const std::string& device, QueuePair& pair,
                                    const QueuePairPeer& peer, std::uint32_t read_atomic_max);
// Stops it: when this returns the device touches no buffer of it. Receives and sends are flushed or
// forgotten.
void to_reset(QueuePair& pair);

}  // namespace mapwire::verbs
