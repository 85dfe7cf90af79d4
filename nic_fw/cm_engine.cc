#include "mapwire/nic_fw/cm_engine.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "mapwire/nic_fw/cm_core.h"
#include "mapwire/nic_fw/cm_make.h"
#include "mapwire/nic_fw/cm_on_mad.h"
#include "mapwire/nic_fw/cm_on_time.h"
#include "mapwire/proto/cma_header.h"
#include "mapwire/proto/packet.h"

namespace mapwire::nic_fw {

struct CmEngine::State : CmCore {
  using CmCore::CmCore;
};

namespace {

std::size_t take_front(auto& queue, auto out) {
  std::size_t count = 0;
  while (count < out.size() && !queue.empty()) {
    out[count++] = queue.front();
    queue.pop_front();
  }
  return count;
}

std::unexpected<Error> refused(Code code, std::string message) {
  return std::unexpected(Error::make(code, ErrorScope::kRequest, std::move(message)));
}

std::unexpected<Error> too_long(std::size_t bytes, std::size_t max) {
  return refused(Code::kInvalidArgument,
                 fmt::format("private data of {} bytes: an rdma:// connection carries at most {}; "
                             "send the rest in a message",
                             bytes, max));
}

}  // namespace

CmEngine::CmEngine(const CmOptions& options, const CmCounters& counters)
    : state_{std::make_unique<State>(options, counters)} {}
CmEngine::~CmEngine() = default;

std::expected<void, Error> CmEngine::listen(const proto::UdpAddress& service) {
  auto& listeners = state_->listeners;
  if (std::ranges::find(listeners, service) != listeners.end()) {
    return refused(Code::kAddressInUse,
                   fmt::format("rdma://{}: this context listens there already; choose another port",
                               proto::to_string(service)));
  }
  if (listeners.size() == state_->options.listeners_max) {
    return refused(Code::kLimitReached, fmt::format("rdma://{}: this context listens at {} others, "
                                                    "which is the limit; close one",
                                                    proto::to_string(service), listeners.size()));
  }
  listeners.push_back(service);
  return {};
}

void CmEngine::stop_listening(const proto::UdpAddress& service) {
  std::erase(state_->listeners, service);
}

std::expected<CmId, Error> CmEngine::connect(const CmConnect& request, std::uint64_t now_ns) {
  state_->now_ns = now_ns;
  if (request.private_data.size() > proto::kCmaPrivateBytes) {
    return too_long(request.private_data.size(), proto::kCmaPrivateBytes);
  }
  if (!proto::is_path_mtu(request.path_mtu)) {
    return refused(Code::kInvalidArgument,
                   fmt::format("path MTU {}: is no power of two in 256..4096; choose one that is",
                               request.path_mtu));
  }
  if (!cm_has_room(*state_)) {
    return refused(Code::kLimitReached,
                   fmt::format("connections by rdma://: {} are open, which is the limit; close one",
                               state_->options.connections_max));
  }
  CmConnection& connection = state_->table.add(state_->random);
  connection.path = {.local = request.local, .remote = request.service.ip};
  connection.service = request.service;
  connection.transaction_id = state_->random();
  connection.own = request.queue_pair;
  connection.path_mtu = request.path_mtu;
  connection.interval_ns = kCmIntervalNs;
  connection.give_up_at_ns = request.deadline_ns;
  cm_send_until_answered(*state_, connection,
                         make_cm_req(*state_, connection, request.private_data));
  return connection.id;
}

std::expected<void, Error> CmEngine::accept(CmId id, const CmAccept& answer, std::uint64_t now_ns) {
  state_->now_ns = now_ns;
  if (answer.private_data.size() > kCmReplyPrivateBytes) {
    return too_long(answer.private_data.size(), kCmReplyPrivateBytes);
  }
  CmConnection* connection = state_->table.find(id);
  if (connection == nullptr || connection->state != CmState::kReqReceived) {
    return refused(Code::kInvalidArgument,
                   "connection request: has ended meanwhile; wait for the next one");
  }
  const std::uint32_t initiator_depth = connection->own.read_atomic_max;
  connection->own = answer.queue_pair;
  connection->state = CmState::kRepSent;
  connection->give_up_at_ns = now_ns + kCmAnswerNs;  // however long an MRA asks us to wait
  cm_send_until_answered(*state_, *connection,
                         make_cm_rep(*state_, *connection, initiator_depth, answer.private_data));
  return {};
}

void CmEngine::reject(CmId id, CmRefusal reason, std::uint64_t now_ns) {
  state_->now_ns = now_ns;
  CmConnection* connection = state_->table.find(id);
  if (connection == nullptr || connection->state != CmState::kReqReceived) return;
  connection->held = false;
  auto why = proto::CmRejectReason::kConsumer;
  if (reason == CmRefusal::kNoResources) why = proto::CmRejectReason::kNoResources;
  if (reason == CmRefusal::kInvalidPathMtu) why = proto::CmRejectReason::kInvalidPathMtu;
  connection->sent = proto::CmRej{.local_comm_id = connection->local_comm_id,
                                  .remote_comm_id = connection->remote_comm_id,
                                  .reason = why};
  cm_repeat(*state_, *connection);
  cm_linger(*state_, *connection, CmState::kRejected);
  std::erase_if(state_->events, [&](const CmEvent& event) { return event.id == id; });
}

void CmEngine::establish(CmId id, std::uint64_t now_ns) {
  state_->now_ns = now_ns;
  CmConnection* connection = state_->table.find(id);
  if (connection == nullptr || connection->state != CmState::kRepReceived) return;
  connection->state = CmState::kEstablished;
  connection->sent = proto::CmRtu{.local_comm_id = connection->local_comm_id,
                                  .remote_comm_id = connection->remote_comm_id};
  cm_repeat(*state_, *connection);
  state_->table.arm(*connection, UINT64_MAX);
}

void CmEngine::disconnect(CmId id, std::uint64_t now_ns) {
  state_->now_ns = now_ns;
  std::erase_if(state_->events, [&](const CmEvent& event) { return event.id == id; });
  CmConnection* connection = state_->table.find(id);
  if (connection == nullptr) return;
  connection->held = false;
  switch (connection->state) {
    case CmState::kReqSent:
      cm_refuse(*state_, *connection, proto::CmAnswered::kReq, proto::CmRejectReason::kTimeout);
      cm_linger(*state_, *connection, CmState::kTimeWait);
      return;
    case CmState::kReqReceived:
      cm_refuse(*state_, *connection, proto::CmAnswered::kReq, proto::CmRejectReason::kConsumer);
      cm_linger(*state_, *connection, CmState::kTimeWait);
      return;
    case CmState::kRepReceived:
      cm_refuse(*state_, *connection, proto::CmAnswered::kRep, proto::CmRejectReason::kConsumer);
      cm_linger(*state_, *connection, CmState::kTimeWait);
      return;
    case CmState::kRepSent:
    case CmState::kEstablished: cm_send_dreq(*state_, *connection); return;
    case CmState::kDreqSent:
    case CmState::kRejected:
    case CmState::kTimeWait: return;  // not held
  }
}

bool CmEngine::disconnecting() const {
  return state_->table.count_if(
             [](const CmConnection& c) { return c.state == CmState::kDreqSent; }) != 0;
}

std::size_t CmEngine::poll_events(std::span<CmEvent> events) {
  return take_front(state_->events, events);
}

bool CmEngine::has_events() const { return !state_->events.empty(); }

void CmEngine::on_mad(const CmPath& path, std::span<const std::byte> bytes, std::uint64_t now_ns) {
  state_->now_ns = now_ns;
  state_->counters.mads_received.add();
  const auto mad = proto::parse_cm_mad(bytes);
  if (!mad) {
    state_->counters.dropped_malformed.add();
    return;
  }
  const CmSource source{.path = path, .transaction_id = mad->transaction_id};
  std::visit([&](const auto& message) { on_cm_message(*state_, source, message); }, mad->message);
}

void CmEngine::on_time(std::uint64_t now_ns) {
  state_->now_ns = now_ns;
  while (state_->table.first_deadline_ns() <= now_ns) {
    on_cm_time(*state_, state_->table.first_due());
  }
}

std::uint64_t CmEngine::next_deadline_ns() const { return state_->table.first_deadline_ns(); }

std::size_t CmEngine::take_datagrams(std::span<CmDatagram> datagrams) {
  return take_front(state_->datagrams, datagrams);
}

bool CmEngine::has_datagrams() const { return !state_->datagrams.empty(); }

std::size_t CmEngine::connections() const { return state_->table.size(); }
bool CmEngine::in_use() const { return !state_->listeners.empty() || state_->table.size() != 0; }

}  // namespace mapwire::nic_fw
