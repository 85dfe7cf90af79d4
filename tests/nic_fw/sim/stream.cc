#include "tests/nic_fw/sim/stream.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "mapwire/runtime/error.h"

namespace mapwire::nic_fw::sim {
namespace {

using proto::CompletionEntry;
using proto::WorkOpcode;

constexpr Access kAllRights{
    .local_write = true, .remote_read = true, .remote_write = true, .remote_atomic = true};

// Usually as fast as the rings allow; sometimes so slow that the peer runs dry or falls idle, and
// rarely so slow that the run outlasts every deadline of a queue pair.
Pace draw_pace(Random& random) {
  const std::uint64_t pause_ns = random.pick({0, 0, 0, 20'000, 1'000'000, 20'000'000});
  return {.batch_max = random.pick({1, 4, 64}),
          .pause_ns_max = random.percent(3) ? 200'000'000 : pause_ns};
}

std::uint32_t register_block(const StreamEnd& end, CheckedMemory::BlockId block, Access access,
                             bool remote) {
  const auto keys =
      end.host->engine().register_memory(end.memory->actual(block), access, kProtectionDomain);
  if (!keys) return 0;
  return remote ? keys->rkey : keys->lkey;
}

}  // namespace

Stream::Stream(std::uint32_t id, StreamEnd requester, StreamEnd responder, Workload workload,
               Random& random, Verdict& verdict)
    : id_{id},
      requester_{requester},
      responder_{responder},
      workload_{std::move(workload)},
      random_{random},
      verdict_{verdict},
      salt_{random.next() << 40},
      rkey_{register_block(responder, workload_.target, kAllRights, true)},
      registers_{random.percent(30)},
      send_pace_{draw_pace(random)},
      receive_pace_{draw_pace(random)} {
  for (std::size_t i = 0; i < workload_.operations.size(); ++i) {
    if (!consumes_receive(workload_.operations[i].opcode)) continue;
    messages_.push_back(i);
    receives_.push_back(workload_.operations[i].receive);
  }
  receives_.insert(receives_.end(), workload_.spare_receives.begin(),
                   workload_.spare_receives.end());
}

std::uint64_t Stream::cookie(bool receive, std::size_t index) const {
  return salt_ | std::uint64_t{id_} << 32 | std::uint64_t{receive} << 31 | index;
}

std::string Stream::label(const char* queue, std::size_t index) const {
  return fmt::format("stream {}, {} completion {}", id_, queue, index);
}

// A key of its own, or the one for any memory.
std::uint32_t Stream::lkey(const StreamEnd& end, CheckedMemory::BlockId block, bool local_write) {
  const bool empty = end.memory->actual(block).empty();
  if (!registers_ || empty) return proto::kAnyMemoryLkey;
  return register_block(end, block, {.local_write = local_write}, false);
}

// Cuts a block into one to three elements.
template <class Descriptor>
void Stream::scatter(Descriptor& descriptor, const StreamEnd& end, CheckedMemory::BlockId block,
                     bool local_write) {
  const auto bytes = end.memory->actual(block);
  const std::uint32_t key = lkey(end, block, local_write);
  const auto count = bytes.empty() ? random_.below(2) : random_.between(1, proto::kSgeMax);
  descriptor.sge_count = static_cast<std::uint8_t>(count);
  std::size_t start = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t rest = bytes.size() - start;
    const std::size_t piece = i + 1 == count ? rest : random_.below(rest + 1);
    descriptor.sge[i] = {.address = reinterpret_cast<std::uint64_t>(bytes.data() + start),
                         .bytes = static_cast<std::uint32_t>(piece),
                         .lkey = key};
    start += piece;
  }
}

proto::SendDescriptor Stream::send_descriptor(std::size_t index) {
  const Operation& operation = workload_.operations[index];
  const bool reads = operation.opcode == WorkOpcode::kRead || is_atomic(operation.opcode);
  proto::SendDescriptor descriptor{.cookie = cookie(false, index), .opcode = operation.opcode};
  if (is_atomic(operation.opcode)) {
    descriptor.sge_count = 1;
    descriptor.sge[0] = {.address = reinterpret_cast<std::uint64_t>(
                             requester_.memory->actual(operation.local).data()),
                         .bytes = operation.bytes,
                         .lkey = lkey(requester_, operation.local, true)};
  } else {
    scatter(descriptor, requester_, operation.local, reads);
  }
  descriptor.immediate = operation.immediate;
  if (operation.opcode != WorkOpcode::kSend && operation.opcode != WorkOpcode::kSendImmediate) {
    descriptor.rkey = rkey_;
    const auto target = responder_.memory->actual(workload_.target);
    descriptor.remote_address =
        reinterpret_cast<std::uint64_t>(target.data() + operation.target_offset);
  }
  descriptor.compare = operation.compare;
  descriptor.swap_or_add = operation.swap_or_add;
  return descriptor;
}

proto::ReceiveDescriptor Stream::receive_descriptor(std::size_t index) {
  proto::ReceiveDescriptor descriptor{.cookie = cookie(true, index)};
  scatter(descriptor, responder_, receives_[index], true);
  return descriptor;
}

std::uint64_t Stream::next_send_ns() {
  auto& ring = requester_.host->queue_pair(requester_.queue_pair).send;
  if (sent_ == workload_.operations.size() || ring.free_entries() == 0) return kNever;
  return send_at_ns_;
}

void Stream::post_sends(std::uint64_t now_ns) {
  HostQueuePair& pair = requester_.host->queue_pair(requester_.queue_pair);
  if (next_send_ns() > now_ns) return;
  std::uint64_t batch = random_.between(1, send_pace_.batch_max);
  for (; batch > 0 && next_send_ns() <= now_ns; --batch) {
    pair.send.try_push(send_descriptor(sent_));
    ++sent_;
  }
  send_at_ns_ = now_ns + random_.below(send_pace_.pause_ns_max + 1);
  requester_.host->engine().on_send_doorbell(pair.address.qpn, now_ns);
}

std::uint64_t Stream::next_receive_ns() {
  auto& ring = responder_.host->queue_pair(responder_.queue_pair).receive;
  if (posted_ == receives_.size() || ring.free_entries() == 0) return kNever;
  return receive_at_ns_;
}

void Stream::post_receives(std::uint64_t now_ns) {
  HostQueuePair& pair = responder_.host->queue_pair(responder_.queue_pair);
  if (next_receive_ns() > now_ns) return;
  std::uint64_t batch = random_.between(1, receive_pace_.batch_max);
  for (; batch > 0 && next_receive_ns() <= now_ns; --batch) {
    pair.receive.try_push(receive_descriptor(posted_));
    ++posted_;
  }
  receive_at_ns_ = now_ns + random_.below(receive_pace_.pause_ns_max + 1);
  responder_.host->engine().on_receive_doorbell(pair.address.qpn, now_ns);
}

void Stream::check(const CompletionEntry& entry, const CompletionEntry& expected,
                   const char* queue) {
  const std::size_t index = expected.cookie & 0x7fff'ffff;
  if (entry.status != expected.status) {
    verdict_.fail(fmt::format("{}: status {}", label(queue, index),
                              mapwire::name(static_cast<Code>(entry.status))));
  } else if (entry.cookie != expected.cookie) {
    verdict_.fail(fmt::format("{}: cookie of {} 0x{:x}", label(queue, index),
                              entry.cookie & 0x7fff'ffff, entry.cookie));
  } else if (entry.opcode != expected.opcode || entry.bytes != expected.bytes) {
    verdict_.fail(fmt::format("{}: opcode {} of {} bytes instead of {} of {}", label(queue, index),
                              static_cast<int>(entry.opcode), entry.bytes,
                              static_cast<int>(expected.opcode), expected.bytes));
  } else if (entry.flags != expected.flags || entry.immediate != expected.immediate) {
    verdict_.fail(fmt::format("{}: immediate 0x{:x} flags {} instead of 0x{:x} {}",
                              label(queue, index), entry.immediate, entry.flags, expected.immediate,
                              expected.flags));
  }
}

void Stream::on_send_completion(const CompletionEntry& entry) {
  if (completed_ == sent_) {
    verdict_.fail(label("send", completed_) + ": nothing is outstanding");
    return;
  }
  const Operation& operation = workload_.operations[completed_];
  check(entry,
        {.cookie = cookie(false, completed_), .bytes = operation.bytes, .opcode = operation.opcode},
        "send");
  if (!requester_.memory->holds(operation.local, 0, operation.bytes)) {
    verdict_.fail(label("send", completed_) + ": wrong bytes in the local buffer");
  }
  ++completed_;
}

void Stream::on_receive_completion(const CompletionEntry& entry) {
  if (received_ == messages_.size() || received_ == posted_) {
    verdict_.fail(label("receive", received_) + ": no message is due");
    return;
  }
  const Operation& operation = workload_.operations[messages_[received_]];
  const bool write = operation.opcode == WorkOpcode::kWriteImmediate;
  const bool immediate = has_immediate(operation.opcode);
  check(entry,
        {.cookie = cookie(true, received_),
         .immediate = operation.immediate,
         .bytes = operation.bytes,
         .opcode = write ? WorkOpcode::kReceiveWrite : WorkOpcode::kReceive,
         .flags = immediate ? proto::kFlagImmediate : std::uint8_t{0}},
        "receive");
  const bool whole =
      write ? responder_.memory->holds(workload_.target, operation.target_offset, operation.bytes)
            : responder_.memory->holds(operation.receive, 0, operation.bytes);
  if (!whole) verdict_.fail(label("receive", received_) + ": wrong bytes in the message");
  ++received_;
}

bool Stream::done() const {
  return completed_ == workload_.operations.size() && received_ == messages_.size();
}

std::string Stream::progress() const {
  return fmt::format(
      "stream {}: {} of {} requests posted, {} completed; {} of {} receives posted, "
      "{} of {} messages received",
      id_, sent_, workload_.operations.size(), completed_, posted_, receives_.size(), received_,
      messages_.size());
}

void StreamPair::post(std::uint64_t now_ns) {
  incoming_.post_receives(now_ns);
  outgoing_.post_sends(now_ns);
}

std::uint64_t StreamPair::next_post_ns() {
  return std::min(outgoing_.next_send_ns(), incoming_.next_receive_ns());
}

void StreamPair::on_completion(const CompletionEntry& entry, std::uint64_t /*now_ns*/) {
  if (entry.opcode == WorkOpcode::kReceive || entry.opcode == WorkOpcode::kReceiveWrite) {
    incoming_.on_receive_completion(entry);
  } else {
    outgoing_.on_send_completion(entry);
  }
}

}  // namespace mapwire::nic_fw::sim
