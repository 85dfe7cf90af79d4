// The connection manager of the kernel, by librdmacm, for the queue pairs of a VerbsNic.
//
// librdmacm exchanges the messages that set a connection up and end it. Of the queue pair it is
// told the number only: the NIC creates it, without rdma_create_qp(), and moves it from state to
// state. The kernel chooses the first PSNs of both sides, the path MTU (that of the port) and the
// times between repetitions; it answers for us when we are gone, and repeats a good-bye.
#pragma once

#include <rdma/rdma_cma.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mapwire/runtime/connection_manager.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/verbs/event_descriptors.h"
#include "mapwire/runtime/verbs/handles.h"

namespace mapwire::verbs {

using CmChannelHandle = std::unique_ptr<rdma_event_channel, Destroy<&rdma_destroy_event_channel>>;
using CmIdHandle = std::unique_ptr<rdma_cm_id, Destroy<&rdma_destroy_id>>;

// Threads: those of the NIC.
class VerbsConnectionManager final : public ConnectionManager {
 public:
  // Opens nothing before the first listener or connection. `events` outlives it.
  VerbsConnectionManager(std::string device, std::uint32_t read_atomic_max,
                         EventDescriptors& events)
      : device_{std::move(device)}, read_atomic_max_{read_atomic_max}, events_{events} {}

  // As the interface says, but for the errors of an address that is of no RDMA device
  // (kNoUsableNic), of a user without access (kPermission), and without rdma_ucm (kSystemCall).
  std::expected<void, Error> listen(const proto::UdpAddress& service) override;
  void stop_listening(const proto::UdpAddress& service) override;
  std::expected<CmId, Error> connect(const CmConnect& request, std::uint64_t now_ns) override;
  std::expected<void, Error> accept(CmId id, const CmAccept& answer, std::uint64_t now_ns) override;
  void reject(CmId id, CmRefusal reason, std::uint64_t now_ns) override;
  void establish(CmId id, std::uint64_t now_ns) override;
  void disconnect(CmId id, std::uint64_t now_ns) override;
  // The kernel repeats a good-bye, even when the process is gone.
  bool disconnecting() const override { return false; }
  std::size_t poll_events(std::span<CmEvent> events) override;

  // Takes the news of the kernel. A system call, if anything is open.
  void progress(std::uint64_t now_ns);
  // Whether a step of a set-up may be due at any moment: call progress() often.
  bool setting_up() const { return setting_up_ != 0; }
  bool has_events() const { return !news_.empty(); }
  // 0: poll_events() has something.
  std::uint64_t next_deadline_ns() const;

 private:
  struct Connection {
    CmIdHandle handle;
    Qpn qpn = 0;  // of one that we asked for
    std::vector<std::byte> private_data;
    std::uint64_t deadline_ns = UINT64_MAX;  // of one that we asked for, while it is set up
    std::uint32_t reads_of_peer = 0;         // of a request: how many it serves at once
    bool requested = false;                  // by the peer, and not answered yet
    bool connected = false;
  };
  using Connections = std::unordered_map<CmId, Connection>;

  // For each of the kernel's steps before the request leaves, which find the peer's address and
  // then a route to it; the deadline of the whole is ours.
  static constexpr int kResolveMs = 2000;

  std::expected<void, Error> open_channel();
  std::expected<CmIdHandle, Error> make_id();
  rdma_conn_param parameters(Qpn qpn, std::span<const std::byte> private_data,
                             std::uint32_t reads_of_peer) const;
  Connections::iterator find(const rdma_cm_id* handle);
  void on_event(const rdma_cm_event& event);
  void on_step(Connections::iterator connection, const rdma_cm_event& event);
  void on_request(const rdma_cm_event& event);
  void on_answer(Connections::iterator connection, const rdma_cm_event& event);
  void set_up_is_over(Connection& connection);
  void end(Connections::iterator connection, CmEventKind kind, std::uint16_t reject_reason = 0);
  void time_out(std::uint64_t now_ns);

  std::string device_;
  std::uint32_t read_atomic_max_;
  EventDescriptors& events_;
  // Before the ids, which go first.
  CmChannelHandle channel_;
  std::vector<std::pair<proto::UdpAddress, CmIdHandle>> listeners_;
  Connections connections_;
  std::vector<CmIdHandle> ended_;  // go when the event that ended them is acknowledged
  std::deque<CmEvent> news_;       // of each connection at most its answer and its end
  CmId next_id_ = 1;
  std::size_t setting_up_ = 0;  // connections with a deadline
};

}  // namespace mapwire::verbs
