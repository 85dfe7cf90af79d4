#include "tests/pinning_nic.h"

#include <fcntl.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <numeric>

#include <fmt/format.h>

#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/udp_wire.h"

namespace mapwire::testing {
namespace {

using proto::CompletionEntry;
using proto::Sge;
using proto::WorkOpcode;

constexpr std::uint64_t kCopyDone = 0;  // user_data; others are tags of slots
constexpr std::uint64_t kPieceBytesMin = 64;
// A free piece so long gives its pages back.
constexpr std::uint64_t kPunchedBytesMin = std::uint64_t{1} << 20;

std::uint64_t tag_of(std::uint32_t slot) { return std::uint64_t{slot} + 1; }

Code code_of(int os_errno) {
  switch (os_errno) {
    case EACCES:
    case EPERM: return Code::kPermission;
    case ENOMEM: return Code::kOutOfMemory;
    case EFAULT: return Code::kInvalidArgument;
    default: return Code::kSystemCall;
  }
}

std::unexpected<Error> no_ring(int os_errno) {
  return std::unexpected(
      Error::from_errno(code_of(os_errno), ErrorScope::kProcess, os_errno, "io_uring to pin with",
                        "allow it (`sysctl kernel.io_uring_disabled=0`) on Linux 5.19 or later"));
}

std::unexpected<Error> not_pinned(std::size_t bytes, int os_errno) {
  return std::unexpected(Error::from_errno(
      code_of(os_errno), ErrorScope::kRequest, os_errno, fmt::format("pins of {} bytes", bytes),
      os_errno == ENOMEM ? "allow more locked memory (`ulimit -l unlimited`), or register less"
                         : "register writable memory of at most 1 GiB that is no file's"));
}

void write_fixed(io_uring_sqe* entry, int fd, std::uint64_t address, unsigned bytes,
                 std::uint64_t offset, int slot) {
  io_uring_prep_write_fixed(entry, fd, reinterpret_cast<const void*>(address), bytes, offset, slot);
}

void read_fixed(io_uring_sqe* entry, int fd, std::uint64_t address, unsigned bytes,
                std::uint64_t offset, int slot) {
  io_uring_prep_read_fixed(entry, fd, reinterpret_cast<void*>(address), bytes, offset, slot);
}

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

std::expected<std::unique_ptr<Pins>, Error> Pins::create(std::uint32_t slots) {
  io_uring ring{};
  int result = io_uring_queue_init(8, &ring, 0);
  if (result < 0) return no_ring(-result);
  std::unique_ptr<Pins> pins{new Pins{ring, slots}};
  result = io_uring_register_buffers_sparse(&pins->ring_, slots);
  if (result < 0) return no_ring(-result);
  for (std::uint32_t slot = slots; slot > 0; --slot) pins->free_.push_back(slot - 1);
  return pins;
}

// The end of a ring unpins in the background; unregistering does it before it returns.
Pins::~Pins() {
  io_uring_unregister_buffers(&ring_);
  io_uring_queue_exit(&ring_);
}

int Pins::update(std::uint32_t slot, std::span<std::byte> memory, std::uint64_t tag) {
  const iovec buffer{.iov_base = memory.data(), .iov_len = memory.size()};
  const __u64 kernel_tag = tag;
  return io_uring_register_buffers_update_tag(&ring_, slot, &buffer, &kernel_tag, 1);
}

std::expected<std::uint32_t, Error> Pins::pin(std::span<std::byte> memory) {
  if (free_.empty()) {
    return std::unexpected(Error::make(Code::kLimitReached, ErrorScope::kRequest,
                                       "pins: all slots are taken; deregister memory"));
  }
  const std::uint32_t slot = free_.back();
  const int result = update(slot, memory, tag_of(slot));
  if (result < 0) return not_pinned(memory.size(), -result);
  free_.pop_back();
  return slot;
}

// A buffer lives on while a request uses it, and the kernel frees a request a moment after it has
// completed (at once, if no worker thread was needed). So an empty slot alone does not say that the
// pages are free: the completion with the slot's tag does.
void Pins::unpin(std::uint32_t slot) {
  if (update(slot, {}, 0) != 1) std::abort();
  wait(tag_of(slot));
  free_.push_back(slot);
}

void Pins::copy(Direction direction, std::uint32_t slot, std::uint64_t address, std::uint64_t bytes,
                int fd, std::uint64_t offset) {
  const auto prepare = direction == Direction::kOut ? write_fixed : read_fixed;
  while (bytes > 0) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);  // there is one: each is waited for
    prepare(entry, fd, address, static_cast<unsigned>(bytes), offset, static_cast<int>(slot));
    io_uring_sqe_set_data64(entry, kCopyDone);
    const int result = submit_and_wait();
    if (result == -EINTR || result == -EAGAIN) continue;
    if (result <= 0) std::abort();
    const auto done = static_cast<std::uint64_t>(result);
    address += done;
    offset += done;
    bytes -= done;
  }
}

int Pins::submit_and_wait() {
  int submitted = 0;
  do {
    submitted = io_uring_submit(&ring_);
  } while (submitted == -EINTR || submitted == -EAGAIN);
  if (submitted != 1) std::abort();
  return wait(kCopyDone);
}

int Pins::wait(std::uint64_t user_data) {
  io_uring_cqe* entry = nullptr;
  int waited = 0;
  do {
    waited = io_uring_wait_cqe(&ring_, &entry);
  } while (waited == -EINTR || waited == -EAGAIN);
  if (waited != 0 || entry->user_data != user_data) std::abort();
  const int result = entry->res;
  io_uring_cqe_seen(&ring_, entry);
  return result;
}

std::optional<Staging::Piece> Staging::take(std::uint64_t bytes) {
  if (bytes == 0) return Piece{};
  const std::uint64_t size = std::max(std::bit_ceil(bytes), kPieceBytesMin);
  if (auto& fitting = free_[size]; !fitting.empty()) {
    const std::uint64_t offset = fitting.back();
    fitting.pop_back();
    return Piece{.offset = offset, .bytes = size};
  }
  if (size > arena_.memory().size() - used_) return std::nullopt;
  return Piece{.offset = std::exchange(used_, used_ + size), .bytes = size};
}

void Staging::give_back(const Piece& piece) {
  if (piece.bytes == 0) return;
  if (piece.bytes >= kPunchedBytesMin) {
    fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(piece.offset),
              static_cast<off_t>(piece.bytes));
  }
  free_[piece.bytes].push_back(piece.offset);
}

PinningNic::PinningNic(std::unique_ptr<Nic> inner, std::unique_ptr<Pins> pins, Staging staging)
    : pins_{std::move(pins)},
      staging_{std::move(staging)},
      attributes_{inner->attributes()},
      inner_{std::move(inner)} {
  attributes_.reads_any_memory = false;
  attributes_.memory_regions_max = std::min(attributes_.memory_regions_max, pins_->slots());
}

// A region that no refused element is in: unlike a free lkey, its lkey is never given to others.
std::expected<void, Error> PinningNic::set_up_refusal() {
  auto keys = inner_->register_memory(guard_, {.local_write = false}, 0);
  if (!keys) return std::unexpected(std::move(keys.error()));
  guard_lkey_ = keys->lkey;
  return {};
}

std::expected<QueuePairAddress, Error> PinningNic::open_queue_pair(const QueuePairOptions& options,
                                                                   const proto::IpAddress& local,
                                                                   const proto::IpAddress& remote) {
  auto address = inner_->open_queue_pair(options, local, remote);
  if (address) {
    queue_pairs_[address->qpn] = {.protection_domain = options.protection_domain,
                                  .send = {.entries = options.send_entries},
                                  .receive = {.entries = options.receive_entries}};
  }
  return address;
}

std::expected<MemoryKeys, Error> PinningNic::register_memory(std::span<std::byte> memory,
                                                             Access access,
                                                             std::uint32_t protection_domain) {
  auto keys = inner_->register_memory(memory, access, protection_domain);
  if (!keys) return keys;
  const auto slot = pins_->pin(memory);
  if (!slot) {
    inner_->deregister_memory(keys->lkey);
    return std::unexpected(slot.error());
  }
  regions_[keys->lkey] = std::make_shared<const Region>(
      Region{.slot = *slot,
             .address = reinterpret_cast<std::uint64_t>(memory.data()),
             .bytes = memory.size(),
             .local_write = access.local_write,
             .protection_domain = protection_domain});
  return keys;
}

void PinningNic::deregister_memory(std::uint32_t lkey) {
  const auto found = regions_.find(lkey);
  if (found == regions_.end()) return;
  inner_->deregister_memory(lkey);
  pins_->unpin(found->second->slot);
  regions_.erase(found);
}

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
    element.lkey = proto::kAnyMemoryLkey;
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

// Bytes come in the inner NIC's poll() alone, so those of completions that are still to be given on
// are in place, as they must: afterwards the buffers are free for reuse.
void PinningNic::close_queue_pair(Qpn qpn) {
  const auto found = queue_pairs_.find(qpn);
  if (found == queue_pairs_.end()) return;
  QueuePair& qp = found->second;
  inner_->close_queue_pair(qpn);
  for (const Queue* queue : {&qp.send, &qp.receive}) {
    for (const Request& request : queue->requests) staging_.give_back(request.piece);
  }
  queue_pairs_.erase(found);
  std::erase_if(events_, [&](const AsyncEvent& event) { return event.qpn == qpn; });
}

std::expected<std::unique_ptr<Nic>, Error> make_pinning_nic(std::unique_ptr<Nic> inner,
                                                            const PinningNicOptions& options) {
  auto pins = Pins::create(options.regions_max);
  if (!pins) return std::unexpected(std::move(pins.error()));
  auto staging = Arena::create("mapwire-test-staging", options.staging_bytes);
  if (!staging) return std::unexpected(std::move(staging.error()));
  auto nic = std::make_unique<PinningNic>(std::move(inner), std::move(*pins),
                                          Staging{std::move(*staging)});
  if (auto ready = nic->set_up_refusal(); !ready) {
    return std::unexpected(std::move(ready.error()));
  }
  return nic;
}

std::expected<std::unique_ptr<Nic>, Error> make_pinning_soft_nic(const PinningNicOptions& options) {
  auto wire = nic_fw::make_udp_wire({}, nullptr);
  if (!wire) return std::unexpected(std::move(wire.error()));
  auto soft = nic_fw::make_soft_nic({}, std::move(*wire), nullptr);
  if (!soft) return soft;
  return make_pinning_nic(std::move(*soft), options);
}

}  // namespace mapwire::testing
