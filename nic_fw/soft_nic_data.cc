// The data path: posting and polling.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mapwire/nic_fw/management_datagram.h"
#include "mapwire/nic_fw/soft_nic_impl.h"

namespace mapwire::nic_fw {
namespace {

using proto::CompletionEntry;

// While nothing but messages through shared memory is expected: polls between two looks at the
// clock, and time between two looks at everything else.
constexpr std::uint32_t kPollsPerLook = 256;
constexpr std::uint64_t kLookNs = 1'000'000;

}  // namespace

// What is sent goes out before the call returns, acknowledgements of the engine last: what is
// posted may be the reply that they were held back for.
bool SoftNic::post_send(Qpn qpn, const proto::SendDescriptor& descriptor, Now now) {
  WorkQueues* queues = queues_.find(qpn);
  if (queues == nullptr) return false;
  if (queues->on_shm != nullptr) {
    if (!queues->send.take_entry()) return false;
    shm_->post_send(*queues->on_shm, descriptor);
    return true;
  }
  if (!queues->send.post(descriptor)) return false;
  wire_rests_ = false;
  engine_.on_send_doorbell(qpn, now.ns());
  transmitter_.transmit(true, now.ns());
  acknowledgements_held_ = false;
  return true;
}

bool SoftNic::post_receive(Qpn qpn, const proto::ReceiveDescriptor& descriptor, Now now) {
  WorkQueues* queues = queues_.find(qpn);
  if (queues == nullptr) return false;
  if (queues->on_shm != nullptr) {
    if (!queues->receive.take_entry()) return false;
    shm_->post_receive(*queues->on_shm, descriptor);
    return true;
  }
  if (!queues->receive.post(descriptor)) return false;
  wire_rests_ = false;
  engine_.on_receive_doorbell(qpn, now.ns());
  return true;
}

// Reading sockets costs more than a message through shared memory: while no queue pair needs the
// wire it is looked at now and then.
Polled SoftNic::poll(std::span<CompletionEntry> completions, Now now) {
  if (!wire_rests_ || (++polls_ % kPollsPerLook == 0 && now.ns() >= look_again_ns_)) {
    return poll_all(completions, now);
  }
  if (shm_->quiet()) return {};
  return poll_shm(completions, now);
}

Polled SoftNic::poll_shm(std::span<CompletionEntry> completions, Now now) {
  std::size_t count = 0;
  if (shm_->completions_wait()) count = take_waiting(completions);
  count += shm_->poll(completions.subspan(count), now);
  return {.completions = count, .events = shm_->has_async_events()};
}

Polled SoftNic::poll_all(std::span<CompletionEntry> completions, Now now) {
  Polled polled;
  if (shm_) {
    shm_->look_around(now.ns());
    polled = poll_shm(completions, now);
  }
  polled.completions += poll_wire(completions.subspan(polled.completions), now);
  const bool wire_has_events = engine_.has_async_events() || connection_manager_.has_events();
  polled.events |= wire_has_events;
  wire_rests_ = shm_ && udp_queue_pairs_ == 0 && !connection_manager_.in_use() &&
                completions_.available() == 0 && !wire_has_events;
  if (wire_rests_) look_again_ns_ = now.ns() + kLookNs;
  return polled;
}

// Acknowledgements that fall due together with completions are held back until the next call: if
// the application replies, the reply overtakes them, which saves its peer more than a microsecond.
// A poll that yields nothing gives nothing to reply to, so there they go at once.
std::size_t SoftNic::poll_wire(std::span<CompletionEntry> completions, Now now) {
  const std::uint64_t now_ns = now.ns();
  if (acknowledgements_held_) transmitter_.transmit(true, now_ns);
  receive(now_ns);
  // After what has arrived was heard: a peer is not silent because we did not listen.
  if (engine_.next_deadline_ns() <= now_ns) engine_.on_time(now_ns);
  connection_manager_.progress(now_ns);
  const std::size_t count = take_completions(completions);
  acknowledgements_held_ = count > 0;
  transmitter_.transmit(!acknowledgements_held_, now_ns);
  return count;
}

void SoftNic::receive(std::uint64_t now_ns) {
  const std::size_t count = wire_->receive(received_, now_ns);
  for (const WirePacket& packet : std::span{received_}.first(count)) {
    if (is_for_management(packet.bytes)) {
      connection_manager_.on_packet(packet, now_ns);
    } else {
      engine_.on_packet(packet.flow, packet.bytes, now_ns);
    }
  }
}

std::size_t SoftNic::take_completions(std::span<CompletionEntry> completions) {
  for (std::size_t count = 0; count < completions.size(); ++count) {
    const auto completion = completions_.try_pop();
    if (!completion) {
      if (!shm_ || !shm_->completions_wait()) queues_.on_completions_drained();
      return count;
    }
    queues_.on_completion(*completion);
    completions[count] = *completion;
  }
  return completions.size();
}

std::size_t SoftNic::take_waiting(std::span<CompletionEntry> completions) {
  std::size_t count = 0;
  while (count < completions.size() && shm_->completions_wait()) {
    completions[count] = shm_->take_waiting();
    queues_.on_completion(completions[count]);
    ++count;
  }
  return count;
}

std::size_t SoftNic::poll_async(std::span<AsyncEvent> events) {
  const std::size_t count = engine_.poll_async(events);
  return count + (shm_ ? shm_->poll_async(events.subspan(count)) : 0);
}

std::uint64_t SoftNic::next_deadline_ns() {
  if (completions_.available() > 0) return 0;
  const bool wire_is_full = transmitter_.retry_at_ns() != Transmitter::kNever;
  if (!wire_is_full && engine_.has_output(true)) return 0;
  const std::uint64_t shm_ns = shm_ ? shm_->next_deadline_ns(now_ns()) : UINT64_MAX;
  return std::min({transmitter_.retry_at_ns(), engine_.next_deadline_ns(),
                   wire_->next_deadline_ns(), connection_manager_.next_deadline_ns(), shm_ns});
}

}  // namespace mapwire::nic_fw
