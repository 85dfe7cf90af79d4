// One direction of a connection while it runs: posts the requests and receives of a workload and
// checks every completion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mapwire/proto/descriptor.h"
#include "tests/nic_fw/sim/checked_memory.h"
#include "tests/nic_fw/sim/host.h"
#include "tests/nic_fw/sim/random.h"
#include "tests/nic_fw/sim/simulation.h"
#include "tests/nic_fw/sim/verdict.h"
#include "tests/nic_fw/sim/workload.h"

namespace mapwire::nic_fw::sim {

// One end of the stream.
struct StreamEnd {
  Host* host;
  std::size_t queue_pair;
  CheckedMemory* memory;
};

// When one side posts: up to `batch_max` entries at once, then a pause of up to `pause_ns_max`.
struct Pace {
  std::uint64_t batch_max = 1;
  std::uint64_t pause_ns_max = 0;
};

class Stream {
 public:
  // `id` tells the streams of a run apart. The verdict outlives the stream.
  Stream(std::uint32_t id, StreamEnd requester, StreamEnd responder, Workload workload,
         Random& random, Verdict& verdict);

  // Posts what is due at the requester or the responder.
  void post_sends(std::uint64_t now_ns);
  void post_receives(std::uint64_t now_ns);
  // When there will be something to post; UINT64_MAX: never or when a completion made room.
  std::uint64_t next_send_ns();
  std::uint64_t next_receive_ns();

  void on_send_completion(const proto::CompletionEntry& entry);
  void on_receive_completion(const proto::CompletionEntry& entry);

  // Every request and every message completed.
  bool done() const;
  // How far it got, for the message of a run that never ends.
  std::string progress() const;

 private:
  std::uint32_t lkey(const StreamEnd& end, CheckedMemory::BlockId block, bool local_write);
  template <class Descriptor>
  void scatter(Descriptor& descriptor, const StreamEnd& end, CheckedMemory::BlockId block,
               bool local_write);
  proto::SendDescriptor send_descriptor(std::size_t index);
  proto::ReceiveDescriptor receive_descriptor(std::size_t index);
  void check(const proto::CompletionEntry& entry, const proto::CompletionEntry& expected,
             const char* queue);
  std::uint64_t cookie(bool receive, std::size_t index) const;
  std::string label(const char* queue, std::size_t index) const;

  std::uint32_t id_;
  StreamEnd requester_;
  StreamEnd responder_;
  Workload workload_;
  Random& random_;
  Verdict& verdict_;
  std::uint64_t salt_;                            // of cookies
  std::uint32_t rkey_;                            // of the target
  bool registers_;                                // local buffers have keys of their own
  std::vector<std::size_t> messages_;             // operations that consume a receive
  std::vector<CheckedMemory::BlockId> receives_;  // of messages_, then the spare ones
  Pace send_pace_;
  Pace receive_pace_;
  std::uint64_t send_at_ns_ = 0;
  std::uint64_t receive_at_ns_ = 0;
  std::size_t sent_ = 0;       // requests posted
  std::size_t completed_ = 0;  // requests completed
  std::size_t posted_ = 0;     // receives posted
  std::size_t received_ = 0;   // messages received
};

// The two streams of one queue pair.
class StreamPair final : public QueuePairUser {
 public:
  StreamPair(Stream& outgoing, Stream& incoming) : outgoing_{outgoing}, incoming_{incoming} {}

  void post(std::uint64_t now_ns) override;
  std::uint64_t next_post_ns() override;
  void on_completion(const proto::CompletionEntry& entry, std::uint64_t now_ns) override;

 private:
  Stream& outgoing_;
  Stream& incoming_;
};

}  // namespace mapwire::nic_fw::sim
