// One end of a connection, over the NIC seam.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "mapwire/endpoints/detail/bound_window.h"
#include "mapwire/endpoints/detail/credits.h"
#include "mapwire/endpoints/detail/data_path.h"
#include "mapwire/endpoints/detail/held_leases.h"
#include "mapwire/endpoints/detail/mapped_window.h"
#include "mapwire/endpoints/detail/message_memory.h"
#include "mapwire/endpoints/detail/notifications.h"
#include "mapwire/endpoints/detail/peer.h"
#include "mapwire/endpoints/detail/pending_queue.h"
#include "mapwire/endpoints/detail/rendezvous.h"
#include "mapwire/endpoints/endpoint.h"
#include "mapwire/endpoints/tripwire.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/connection_manager.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/trip_table.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire {

// Life: open() -> connect() -> post_probes() (not with a foreign peer) -> activate() -> posts ->
// one end, by fail() or close(). Until activate() nothing of it reaches the user.
//
// Threads: public functions take the context's lock; those marked (locked) want it held.
class Endpoint::Impl {
 public:
  // Opens a queue pair between the addresses. Errors: those of Nic::open_queue_pair and
  // register_memory, kLimitReached, kMtuMismatch (options.path_mtu does not fit the route),
  // kEndpointClosed (the context is gone).
  static std::expected<std::shared_ptr<Impl>, Error> open(
      const std::shared_ptr<detail::DataPath>& path, const EndpointOptions& options,
      const proto::IpAddress& local, const proto::IpAddress& remote, detail::PeerMake peer);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  // Constant after open(), wire() after connect().
  EndpointId id() const { return id_; }
  const EndpointOptions& options() const { return options_; }
  const QueuePairAddress& address() const { return address_; }
  RemoteBuffer words() const { return words_; }
  std::string_view wire() const;
  // The connection by which the NIC's connection manager knows it: is disconnected at the end.
  void set_cm_id(CmId id);
  // Set-up: posts receives for the probes of a peer that is mapwire. Before connect(). Errors:
  // those of Nic::register_memory, kEndpointClosed.
  std::expected<void, Error> prepare_probes(std::uint32_t path_mtu);
  // Connects the queue pair. Errors: those of the NIC, kEndpointClosed.
  std::expected<void, Error> connect(const QueuePairPeer& peer, const detail::PeerTerms& terms);
  // Sends both probes. Call once, when the peer's queue pair is connected or will soon be.
  void post_probes();
  detail::ProbeProgress probe_progress();
  // The endpoint is the user's from now on. False: it has failed meanwhile.
  bool activate(detail::PeerInfo peer, std::vector<std::byte> peer_private_data);

  // The user's calls: endpoint.h.
  EndpointInfo info() const;
  // Of the endpoint of an import; constant after activate().
  WindowTerms window_terms() const;
  std::span<const std::byte> private_data() const { return peer_private_data_; }
  [[gnu::flatten]] Code post_send(ConstBuffer message, std::uint64_t cookie,
                                  std::optional<std::uint32_t> immediate);
  [[gnu::flatten]] Code post_receive(MutableBuffer buffer, std::uint64_t cookie);
  [[gnu::flatten]] Code post_write(ConstBuffer source, RemoteBuffer target, std::uint64_t cookie,
                                   std::optional<std::uint32_t> immediate);
  Code post_read(MutableBuffer target, RemoteBuffer source, std::uint64_t cookie);
  // post_write and post_read of several buffers (endpoint_elements.cc).
  template <class Buffer>
  Code post_elements(Operation operation, std::span<const Buffer> elements, RemoteBuffer remote,
                     std::uint64_t cookie);
  Code post_atomic(Operation operation, std::uint64_t& original, RemoteBuffer target,
                   std::uint64_t compare, std::uint64_t swap_or_add, std::uint64_t cookie);
  void close();
  std::optional<Error> error() const;

  // Ends the endpoint for `reason`: the oldest send completes with reason.code, everything else
  // that is outstanding with `rest`. No effect on one that has ended.
  void fail(const Error& reason, Code rest);

  // The exporter's end of a window: tells the exporter of notifications, as the switch says, in
  // which room is made for `kept_max` more. Call once, after activate().
  void serve_notifications(std::shared_ptr<detail::NotificationSwitch> exported,
                           std::size_t kept_max);
  // What the peer tells of leases (endpoint_leased.cc). False: no honest one does.
  bool on_lease(const detail::LeaseMessage& message);

  // Of the wire shm, between connect() and activate(): as the NIC's; and what an importer mapped.
  std::optional<uid_t> user_of_peer();
  bool pass(int descriptor);
  UniqueFd take_passed();
  void map_window(detail::MappedWindow window) { mapped_ = std::move(window); }
  bool has_mapped_window() const { return mapped_.has_value(); }
  // Accesses of the mapped memory, `offset` bytes into the window. Nothing: it has to go by the
  // wire, as an access before it that has not completed does, or as the endpoint has ended.
  // Precondition: has_mapped_window(), the rights, and all of it lies in the window.
  using Admission = std::optional<Code>;
  Admission put_mapped(std::uint64_t offset, std::span<const std::byte> source,
                       std::uint64_t cookie);
  Admission get_mapped(std::uint64_t offset, std::span<std::byte> target, std::uint64_t cookie);
  template <class Buffer>
  Admission access_mapped_elements(std::uint64_t offset, std::span<const Buffer> elements,
                                   std::size_t bytes, std::uint64_t cookie);
  Admission atomic_mapped(Operation operation, std::uint64_t& original, std::uint64_t offset,
                          std::uint64_t compare, std::uint64_t swap_or_add, std::uint64_t cookie);

  bool is_of(const detail::DataPath& path) const { return path_.get() == &path; }
  // The window is a binding's from now on (endpoint_bound.cc), whose puts are counted and not told.
  // False: of what was posted before, the user has not taken all completions.
  bool bind_window();
  std::uint64_t puts_over() const;
  // A flush of the user's, which follows the puts of the pass with this number. kWouldBlock: too
  // many are under way.
  Code begin_flush(std::uint64_t cookie, std::uint64_t pass);
  // The puts of all passes up to this one are posted. False: some flushes wait on.
  bool post_flushes(std::uint64_t pass);

  // Puts a tripwire on memory of the peer (endpoint_trip.cc). Errors: kLimitReached.
  std::expected<std::unique_ptr<Tripwire::Impl>, Error> hang_tripwire(
      std::uint64_t address, std::uint64_t bytes, const TripwireOptions& options);

  // (locked) A completion of the NIC; the user gets what is the user's.
  void on_completion(const proto::CompletionEntry& entry);
  // (locked) The NIC says that the queue pair is in error.
  void on_nic_failure(Qpn qpn, Code code);
  // (locked) The user has taken a completion: room for another post.
  void on_seen(Operation operation);
  // (locked) Tells the peer of new receives unless a message did meanwhile.
  void send_credit_update();
  // (locked) Whether a send that would have blocked for want of credits may be tried again.
  bool wanted_credit_came();
  void on_told_of_credits() { credit_wanted_ = false; }
  // (locked) Goes on with messages in pieces, or with waiting for a lease. False: with neither.
  bool progress_rendezvous();
  void close_locked();  // (locked)

 private:
  // One that failed accepts posts and flushes them.
  enum class State : std::uint8_t { kSettingUp, kOpen, kFailed, kClosed };

  Impl(std::shared_ptr<detail::DataPath> path, const EndpointOptions& options);

  bool uses_headers() const { return options_.profile == Profile::kMapwire; }
  bool alive() const { return state_ == State::kSettingUp || state_ == State::kOpen; }
  std::size_t header_bytes() const { return uses_headers() ? sizeof(proto::MessageHeader) : 0; }
  std::expected<void, Error> open_queue_pair(const proto::IpAddress& local,
                                             const proto::IpAddress& remote, detail::PeerMake peer);

  // Posting (endpoint_post.cc).
  Code admit(std::span<const std::byte> memory, std::size_t extra_bytes) const;
  Code admit_send(bool needs_credit);
  Code submit(proto::SendDescriptor& descriptor, detail::PendingRequest request);
  [[gnu::cold, gnu::noinline]] Code flush_at_once(Operation operation, std::uint64_t cookie);
  Code add_payload(proto::SendDescriptor& descriptor, ConstBuffer payload, bool with_header,
                   detail::PendingRequest& request);
  Code add_users(auto& descriptor, ConstBuffer buffer, tlb::Use use,
                 tlb::TranslationId& translation);
  Code admit_elements(const auto& elements) const;
  bool copy_elements(proto::SendDescriptor& descriptor, std::span<const ConstBuffer> elements);
  template <class Buffer>
  Code add_elements(proto::SendDescriptor& descriptor, std::span<const Buffer> elements,
                    tlb::Use use, detail::PendingRequest& request);
  void write_header(std::span<std::byte> slot, proto::MessageKind kind);
  void note_credits();
  void use_credit();
  void on_header_sent();
  // Writes `value` over what is `offset` bytes into the peer's words. Precondition: the last write
  // there is over. False: no room.
  bool write_to_peer(detail::WorkKind kind, std::size_t offset, std::span<const std::byte> value);

  // With the exporter's memory mapped (endpoint_mapped.cc).
  Admission admit_mapped();
  void complete_mapped(Operation operation, std::uint64_t offset, std::size_t bytes,
                       std::uint64_t cookie);
  template <class Access>
  Admission access_mapped(Operation operation, std::uint64_t offset, std::size_t bytes,
                          std::uint64_t cookie, Access access);

  // Of a binding (endpoint_bound.cc).
  void complete_flush(std::uint64_t cookie, Code status);
  bool post_flush(std::uint64_t cookie);
  void abandon_flushes();

  // With leases of the exporter's memory (endpoint_leased.cc).
  [[gnu::cold, gnu::noinline]] Code submit_leased(const proto::SendDescriptor& descriptor,
                                                  const detail::PendingRequest& request);
  [[gnu::cold, gnu::noinline]] void post_leased();
  bool await_lease();

  // Sending in pieces (endpoint_offer.cc).
  [[gnu::cold, gnu::noinline]] Code post_in_pieces(ConstBuffer message, std::uint64_t cookie,
                                                   std::optional<std::uint32_t> immediate);
  bool go_in_pieces(Code refused, std::size_t bytes) const;
  bool offer(std::span<const std::byte> piece, const MemoryKeys& keys);
  Code offer_more();
  bool take_pulled_word();
  void progress_offered();
  void note_rendezvous();

  // Receiving them (endpoint_pull.cc).
  [[gnu::cold, gnu::noinline]] void begin_pull(std::span<std::byte> buffer,
                                               const Completion& completion);
  std::optional<proto::PieceOffer> next_offer() const;
  Code take_offer();
  Code read_on();
  void on_read(const proto::CompletionEntry& entry);
  void tell_pulled();
  void on_told();
  void give_up_pull(Code status);
  void progress_pull();
  void fail_pieces(Code code, std::string_view what);

  // Completing (endpoint_complete.cc).
  void release(const detail::PendingRequest& request);
  [[gnu::cold, gnu::noinline]] void release_elements(const detail::PendingRequest& request);
  void deliver(const Completion& completion);
  [[gnu::cold, gnu::noinline]] void on_own_completion(detail::WorkKind kind,
                                                      const proto::CompletionEntry& entry);
  void on_send_completed(const proto::CompletionEntry& entry);
  void on_receive_completed(const proto::CompletionEntry& entry);
  [[gnu::cold, gnu::noinline]] void on_probe_completed(const proto::CompletionEntry& entry,
                                                       std::uint32_t& count);
  [[gnu::cold, gnu::noinline]] void fail_for(Code status, std::string_view what,
                                             Code first_send = Code::kFlushed);
  Code check_header(std::size_t position, std::uint64_t message_bytes, bool& in_pieces);
  [[gnu::cold, gnu::noinline]] void on_rendezvous_completion(detail::WorkKind kind,
                                                             const proto::CompletionEntry& entry);
  [[gnu::cold, gnu::noinline]] bool take_credit_word();

  // Notifications of an importer (endpoint_notify.cc).
  void await_notification();
  [[gnu::cold, gnu::noinline]] void on_notification(const proto::CompletionEntry& entry);
  [[gnu::cold, gnu::noinline]] void on_notification_seen();

  // Ending (endpoint_end.cc).
  [[gnu::cold, gnu::noinline]] void fail_locked(const Error& reason, Code first_send, Code rest);
  void end(State state, Code first_send, Code rest);
  Code flush(detail::PendingQueue& queue, Code first, Code rest);
  void abandon_rendezvous(Code send, Code receive);

  const std::shared_ptr<detail::DataPath> path_;
  const EndpointOptions options_;
  EndpointId id_ = 0;
  QueuePairAddress address_;
  bool on_shm_ = false;
  RemoteBuffer words_;
  std::optional<CmId> cm_id_;

  State state_ = State::kSettingUp;
  std::optional<Error> error_;
  detail::PeerInfo peer_;
  std::vector<std::byte> peer_private_data_;
  detail::ProbeProgress probes_;
  std::uint32_t probe_bytes_ = 0;

  std::optional<detail::MessageMemory> memory_;
  detail::PendingQueue sends_;
  detail::PendingQueue receives_;
  // Requests of the user that were posted and whose completion the user has not taken.
  std::uint32_t sends_unseen_ = 0;
  std::uint32_t receives_unseen_ = 0;

  // Profile mapwire.
  detail::SendCredits send_credits_{0};
  detail::ReceiveCredits receive_credits_;
  RemoteBuffer peer_words_;
  std::uint64_t next_sequence_ = 0;      // of the next message sent
  std::uint64_t expected_sequence_ = 0;  // of the next message received
  bool credit_update_under_way_ = false;
  bool credit_noted_ = false;   // in the data path's list of those that have grants to tell
  bool credit_wanted_ = false;  // in its lists of those that want some

  std::optional<detail::MappedWindow> mapped_;  // at the importer's end; constant after activate()
  std::unique_ptr<detail::HeldLeases> leases_;  // likewise, where it leases
  std::unique_ptr<detail::BoundWindow> bound_;  // of a binding
  std::shared_ptr<TripTable> wires_;            // null: no tripwire was ever set
  std::shared_ptr<detail::NotificationSwitch> notifications_;  // at the exporter's end of a window

  // Messages in pieces.
  std::optional<detail::OfferedMessage> offered_;
  detail::OfferedPieces offered_pieces_;
  std::optional<detail::PulledMessage> pulled_;
  detail::PulledPieces pulled_pieces_;
  detail::RendezvousWatch rendezvous_;
};

}  // namespace mapwire
