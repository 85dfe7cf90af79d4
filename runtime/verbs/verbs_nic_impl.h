// The NIC over one device. Set-up is in set_up.cc, posting in post.cc, completing in poll.cc,
// ending and deadlines in end.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/verbs/event_descriptors.h"
#include "mapwire/runtime/verbs/handles.h"
#include "mapwire/runtime/verbs/memory_regions.h"
#include "mapwire/runtime/verbs/queue_pair.h"
#include "mapwire/runtime/verbs/ready_queue.h"
#include "mapwire/runtime/verbs/verbs_connection_manager.h"
#include "mapwire/runtime/verbs/verbs_nic.h"

namespace mapwire::verbs {

// The objects of a device that all queue pairs share.
struct DeviceObjects {
  DeviceHandle context;
  ChannelHandle channel;
  CompletionQueueHandle completions;
  EventDescriptors events;
};

class VerbsNic final : public Nic {
 public:
  VerbsNic(DeviceObjects device, NicAttributes attributes, std::string name);

  const NicAttributes& attributes() const override { return attributes_; }
  ConnectionManager* connection_manager() override { return &connection_manager_; }
  std::expected<QueuePairAddress, Error> open_queue_pair(const QueuePairOptions& options,
                                                         const proto::IpAddress& local,
                                                         const proto::IpAddress& remote) override;
  std::expected<void, Error> connect_queue_pair(Qpn qpn, const QueuePairPeer& peer,
                                                std::uint64_t now_ns) override;
  void flush_queue_pair(Qpn qpn, Code reason) override;
  void close_queue_pair(Qpn qpn) override;
  std::expected<MemoryKeys, Error> register_memory(std::span<std::byte> memory, Access access,
                                                   std::uint32_t protection_domain) override {
    return regions_.add(memory, access, protection_domain);
  }
  void deregister_memory(std::uint32_t lkey) override { regions_.remove(lkey); }
  [[gnu::flatten]] bool post_send(Qpn qpn, const proto::SendDescriptor& descriptor,
                                  Now now) override;
  [[gnu::flatten]] bool post_receive(Qpn qpn, const proto::ReceiveDescriptor& descriptor,
                                     Now now) override;
  [[gnu::flatten]] Polled poll(std::span<proto::CompletionEntry> completions, Now now) override;
  std::size_t poll_async(std::span<AsyncEvent> events) override;
  int event_fd() const override { return device_.events.fd(); }
  std::uint64_t next_deadline_ns() override;

 private:
  QueuePair* find(Qpn qpn);
  std::expected<void, Error> check(const QueuePairOptions& options) const;
  std::expected<std::unique_ptr<QueuePair>, Error> make_queue_pair(const QueuePairOptions& options,
                                                                   const VerbsCandidate& address);
  void watch_progress(QueuePair& pair, Now& now);
  void start_clock(std::uint64_t now_ns);

  Code verdict_on(const QueuePair& pair, const proto::SendDescriptor& descriptor);
  Code verdict_on(const QueuePair& pair, const proto::ReceiveDescriptor& descriptor);
  [[gnu::cold, gnu::noinline]] bool post_to_failed(QueuePair& pair, const Request& request,
                                                   bool is_receive);
  [[gnu::cold, gnu::noinline]] bool hold_back(QueuePair& pair, const Request& request);

  struct Batch {
    std::size_t taken = 0;  // from the device
    std::size_t kept = 0;   // of those; the others are of queue pairs that end
  };
  template <class See>
  Batch take_batch(std::span<proto::CompletionEntry> out, const See& see);
  bool translate(const ibv_wc& completion, proto::CompletionEntry& entry);
  std::size_t take_directly(std::span<proto::CompletionEntry> out);
  // Whether take_ready() has anything to do.
  bool waits_here() const { return !ready_.empty() || retired_entries_ != 0; }
  std::size_t take_ready(std::span<proto::CompletionEntry> out);
  // Cold: poll() would save registers for what it hardly ever does.
  [[gnu::cold, gnu::noinline]] void drain();
  void push_send(QueuePair& pair, const Request& request);
  // Good until the next post to that queue.
  const Request& pop(QueuePair& pair, bool is_receive);
  bool is_time_to_look(bool found_nothing);
  [[gnu::cold, gnu::noinline]] void look_around(std::uint64_t now_ns);

  [[gnu::cold, gnu::noinline]] void note_failure(QueuePair& pair, Code code);
  [[gnu::cold, gnu::noinline]] void fail_oldest_send(QueuePair& pair);
  [[gnu::cold, gnu::noinline]] void end_failing();
  [[gnu::cold, gnu::noinline]] void end(QueuePair& pair, Code status);
  void complete_oldest(QueuePair& pair, bool is_receive, Code status);
  [[gnu::cold, gnu::noinline]] void check_deadlines(std::uint64_t now_ns);
  std::uint64_t check_deadline(QueuePair& pair, std::uint64_t now_ns);
  [[gnu::cold, gnu::noinline]] void take_device_events();
  void on_device_event(const ibv_async_event& event);

  // The order is that of destruction: queue pairs go first, the device last.
  NicAttributes attributes_;
  std::string name_;
  DeviceObjects device_;
  VerbsConnectionManager connection_manager_;
  MemoryRegions regions_;
  std::unordered_map<Qpn, std::unique_ptr<QueuePair>> pairs_;
  QueuePair* last_found_ = nullptr;  // of find(): most programs post to one for a while

  static constexpr std::size_t kBatch = 32;  // taken from the device at once
  // Of take_batch() alone: not made anew by each poll, most of which find nothing.
  std::array<ibv_wc, kBatch> batch_{};
  ReadyQueue ready_;
  std::uint64_t reserved_entries_ =
      0;                               // of open queue pairs, and closed ones until ready_ is empty
  std::uint64_t retired_entries_ = 0;  // the latter
  // Capacities: every queue pair once.
  std::vector<QueuePair*> failing_;  // in error at the device, to be ended here
  std::vector<AsyncEvent> events_;
  std::uint64_t sends_under_way_ = 0;  // of all queue pairs: their deadlines need the clock
  std::uint32_t polls_ = 0;
  std::uint64_t deadline_check_ns_ = UINT64_MAX;  // no queue pair's deadline is sooner
  // Was idle until its last post, and nobody has read the clock since: it is read when somebody
  // looks at deadlines, as most requests are over before.
  QueuePair* clockless_ = nullptr;
  std::uint64_t event_check_ns_ = 0;
  Now instant_;  // of the completions that are taken now
};

}  // namespace mapwire::verbs
