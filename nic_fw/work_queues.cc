#include "mapwire/nic_fw/work_queues.h"

#include <cstddef>
#include <span>

#include "mapwire/proto/ring_layout.h"

namespace mapwire::nic_fw {
namespace {

// Ends at a cache line, as both parts of a ring are made of whole ones.
std::size_t send_ring_bytes(const QueuePairOptions& options) {
  return proto::ring_bytes(options.send_entries, sizeof(proto::SendDescriptor));
}
static_assert(sizeof(proto::SendDescriptor) % proto::kCacheLine == 0);

std::size_t receive_ring_bytes(const QueuePairOptions& options) {
  return proto::ring_bytes(options.receive_entries, sizeof(proto::ReceiveDescriptor));
}
static_assert(sizeof(proto::ReceiveDescriptor) % proto::kCacheLine == 0);

}  // namespace

void WorkQueues::on_completion(proto::WorkOpcode opcode) {
  const bool received =
      opcode == proto::WorkOpcode::kReceive || opcode == proto::WorkOpcode::kReceiveWrite;
  if (received) {
    receive.on_completion();
  } else {
    send.on_completion();
  }
}

std::size_t work_queue_bytes(const QueuePairOptions& options) {
  return send_ring_bytes(options) + receive_ring_bytes(options);
}

WorkQueueEnds make_work_queues(const QueuePairOptions& options, std::span<std::byte> memory) {
  using proto::kDescriptorVersion;
  using proto::ReceiveDescriptor;
  using proto::SendDescriptor;
  const auto send = memory.first(send_ring_bytes(options));
  const auto receive = memory.subspan(send.size());
  format_ring<SendDescriptor>(send, options.send_entries, kDescriptorVersion);
  format_ring<ReceiveDescriptor>(receive, options.receive_entries, kDescriptorVersion);
  // Rings formatted a moment ago always open: a failure here is a broken invariant, and value()
  // of an error ends the program.
  return {
      .application =
          {.send = WorkQueue{RingProducer<SendDescriptor>::open(send, kDescriptorVersion).value()},
           .receive =
               WorkQueue{
                   RingProducer<ReceiveDescriptor>::open(receive, kDescriptorVersion).value()}},
      .engine = {
          .send = RingConsumer<SendDescriptor>::open(send, kDescriptorVersion).value(),
          .receive = RingConsumer<ReceiveDescriptor>::open(receive, kDescriptorVersion).value()}};
}

}  // namespace mapwire::nic_fw
