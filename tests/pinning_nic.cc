#include "tests/pinning_nic.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace mapwire::testing {
namespace {

using proto::CompletionEntry;
using proto::Sge;
using proto::WorkOpcode;

std::uint64_t sum_of_bytes(std::span<const Sge> elements) {
  return std::accumulate(elements.begin(), elements.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Sge& element) { return sum + element.bytes; });
}

// Those that exist; the inner NIC refuses a count beyond.
template <class Descriptor>
std::span<Sge> elements_of(Descriptor& descriptor) {
  return std::span{descriptor.sge}.first(
      std::min<std::size_t>(descriptor.sge_count, proto::kSgeMax));
}

template <class T>
std::size_t take_first(std::deque<T>& from, std::span<T> to) {
  const std::size_t count = std::min(from.size(), to.size());
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(count);
  std::copy(from.begin(), end, to.begin());
  from.erase(from.begin(), end);
  return count;
}

bool brings_bytes(WorkOpcode opcode) {
  return opcode == WorkOpcode::kRead || opcode == WorkOpcode::kCompareSwap ||
         opcode == WorkOpcode::kFetchAdd;
}

}  // namespace

// Null if the inner NIC would refuse it, were it a region of its own.
std::shared_ptr<const PinningNic::Region> PinningNic::find(const Sge& element,
                                                           std::uint32_t protection_domain,
                                                           Use use) const {
  const auto found = regions_.find(element.lkey);
  if (found == regions_.end()) return nullptr;
  const Region& region = *found->second;
  const bool allowed = region.protection_domain == protection_domain &&
                       (use == Use::kRead || region.local_write) &&
                       element.address >= region.address && element.bytes <= region.bytes &&
                       element.address - region.address <= region.bytes - element.bytes;
  return allowed ? found->second : nullptr;
}

// Nothing if an element is refused. Those without bytes need no region.
std::optional<std::vector<PinningNic::Place>> PinningNic::places(std::span<const Sge> elements,
                                                                 std::uint32_t protection_domain,
                                                                 Use use) const {
  std::vector<Place> places;
  for (const Sge& element : elements) {
    if (element.bytes == 0) continue;
    auto region = find(element, protection_domain, use);
    if (!region) return std::nullopt;
    places.push_back({.element = element, .region = region});
  }
  return places;
}

// The inner NIC completes the request with kLocalProtection when its turn comes.
void PinningNic::refuse(std::span<Sge> elements) const {
  for (Sge& element : elements) {
    element.address = reinterpret_cast<std::uint64_t>(guard_.data()) + guard_.size();
    element.lkey = guard_lkey_;
  }
}

// Makes the elements name memory that the inner NIC may use instead. Nothing: no room for it.
std::optional<PinningNic::Request> PinningNic::stage(std::span<Sge> elements,
                                                     std::uint32_t protection_domain, Use use) {
  auto found = places(elements, protection_domain, use);
  if (!found) {
    refuse(elements);
    return Request{};
  }
  const auto piece = staging_.take(sum_of_bytes(elements));
  if (!piece) return std::nullopt;
  if (use == Use::kRead) gather(*found, piece->offset);
  std::uint64_t offset = piece->offset;
  for (Sge& element : elements) {
    element.address = staging_.address(std::exchange(offset, offset + element.bytes));
    element.lkey = proto::kSteadyMemoryLkey;
  }
  Request request{.piece = *piece};
  if (use == Use::kWrite) request.sinks = std::move(*found);
  return request;
}

// Precondition: the regions were found in the same call.
void PinningNic::gather(std::span<const Place> sources, std::uint64_t offset) {
  for (const Place& source : sources) {
    pins_->copy(Pins::Direction::kOut, source.region.lock()->slot, source.element.address,
                source.element.bytes, staging_.fd(), offset);
    offset += source.element.bytes;
  }
}

template <class Descriptor, class Hand>
bool PinningNic::post(Queue& queue, Descriptor descriptor, std::uint32_t protection_domain, Use use,
                      Hand hand) {
  if (queue.occupied == queue.entries) return false;
  auto request = stage(elements_of(descriptor), protection_domain, use);
  if (!request) return false;
  request->cookie = descriptor.cookie;
  if (!hand(descriptor)) {
    staging_.give_back(request->piece);
    return false;
  }
  queue.requests.push_back(std::move(*request));
  ++queue.occupied;
  return true;
}

bool PinningNic::post_send(Qpn qpn, const proto::SendDescriptor& descriptor, Now now) {
  const auto found = queue_pairs_.find(qpn);
  if (found == queue_pairs_.end()) return false;
  QueuePair& qp = found->second;
  return post(qp.send, descriptor, qp.protection_domain,
              brings_bytes(descriptor.opcode) ? Use::kWrite : Use::kRead,
              [&](const auto& staged) { return inner_->post_send(qpn, staged, now); });
}

bool PinningNic::post_receive(Qpn qpn, const proto::ReceiveDescriptor& descriptor, Now now) {
  const auto found = queue_pairs_.find(qpn);
  if (found == queue_pairs_.end()) return false;
  QueuePair& qp = found->second;
  return post(qp.receive, descriptor, qp.protection_domain, Use::kWrite,
              [&](const auto& staged) { return inner_->post_receive(qpn, staged, now); });
}

Polled PinningNic::poll(std::span<CompletionEntry> completions, Now now) {
  const bool events = collect(now);
  const std::size_t count = take_first(ready_, completions);
  for (const CompletionEntry& completion : completions.first(count)) {
    const auto found = queue_pairs_.find(completion.qpn);
    if (found != queue_pairs_.end()) --found->second.queue_of(completion.opcode).occupied;
  }
  return {.completions = count, .events = events};
}

// All completions, whether the caller has room or not: a device puts bytes where they belong when
// they come, not when somebody asks. True: there are events.
bool PinningNic::collect(Now now) {
  std::array<CompletionEntry, 64> batch;
  Polled polled;
  do {
    polled = inner_->poll(batch, now);
    for (CompletionEntry& completion : std::span{batch}.first(polled.completions)) {
      settle(completion);
      ready_.push_back(completion);
    }
  } while (polled.completions == batch.size());
  return polled.events || !events_.empty();
}

PinningNic::Queue& PinningNic::QueuePair::queue_of(WorkOpcode completed) {
  const bool received = completed == WorkOpcode::kReceive || completed == WorkOpcode::kReceiveWrite;
  return received ? receive : send;
}

// Ends the oldest request of the completion's queue. A queue pair that was closed has none.
void PinningNic::settle(CompletionEntry& completion) {
  const auto found = queue_pairs_.find(completion.qpn);
  if (found == queue_pairs_.end()) return;
  QueuePair& qp = found->second;
  auto& requests = qp.queue_of(completion.opcode).requests;
  if (requests.empty() || requests.front().cookie != completion.cookie) std::abort();
  const Request request = std::move(requests.front());
  requests.pop_front();
  // What a WRITE brought went to where the peer said, not to the receive.
  const bool arrived =
      Code{completion.status} == Code::kOk && completion.opcode != WorkOpcode::kReceiveWrite;
  if (arrived && !scatter(request, completion.bytes)) {
    completion.immediate = 0;
    completion.bytes = 0;
    completion.status = std::to_underlying(Code::kLocalProtection);
    completion.flags = 0;
    fail(completion.qpn, qp);
  }
  staging_.give_back(request.piece);
}

// False: a region that bytes have to go to was deregistered since the post.
bool PinningNic::scatter(const Request& request, std::uint64_t bytes) {
  std::uint64_t offset = request.piece.offset;
  for (const Place& sink : request.sinks) {
    const std::uint64_t part = std::min<std::uint64_t>(bytes, sink.element.bytes);
    if (part == 0) break;
    const auto region = sink.region.lock();
    if (!region) return false;
    pins_->copy(Pins::Direction::kIn, region->slot, sink.element.address, part, staging_.fd(),
                offset);
    offset += part;
    bytes -= part;
  }
  return true;
}

// A queue pair does not live on after a request of it failed; the inner NIC saw nothing wrong.
void PinningNic::fail(Qpn qpn, QueuePair& qp) {
  inner_->flush_queue_pair(qpn, Code::kFlushed);
  if (!std::exchange(qp.failed, true)) {
    events_.push_back({.qpn = qpn, .code = Code::kLocalProtection});
  }
}

std::size_t PinningNic::poll_async(std::span<AsyncEvent> events) {
  const std::size_t own = take_first(events_, events);
  return own + inner_->poll_async(events.subspan(own));
}

}  // namespace mapwire::testing
