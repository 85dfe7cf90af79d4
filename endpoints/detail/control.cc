#include "mapwire/endpoints/detail/control.h"

#include <asio/post.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "mapwire/endpoints/detail/acceptor.h"
#include "mapwire/endpoints/detail/coroutine.h"
#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/set_up_messages.h"
#include "mapwire/endpoints/detail/system_random.h"

namespace mapwire::detail {

Error context_gone() {
  return Error::make(Code::kEndpointClosed, ErrorScope::kProcess,
                     "context: was destroyed; make another one");
}

Control::Control(std::shared_ptr<DataPath> path, const Settings& settings, CounterBlock* counters)
    : path_{std::move(path)},
      settings_{settings},
      counters_{ControlCounters::in(counters)},
      rdma_{io_, path_, counters_},
      introduction_{.process_nonce = system_random(), .nic = path_->attributes().name} {}

template <class Function>
void Control::post(Function function) {
  const std::lock_guard guard{post_mutex_};
  if (!ended_) asio::post(io_, std::move(function));
}

void Control::connect(std::string address, const ConnectOptions& options, Reply<Endpoint> reply) {
  asio::post(io_,
             [this, address = std::move(address), options, reply = std::move(reply)]() mutable {
               if (!down_) spawn(io_, serve_connect(std::move(address), options, std::move(reply)));
             });
}

void Control::import_buffer(std::string address, const ImportOptions& options,
                            Reply<Window> reply) {
  post([this, address = std::move(address), options, reply = std::move(reply)]() mutable {
    if (!down_) spawn(io_, serve_import(std::move(address), options, std::move(reply)));
  });
}

void Control::listen(const ListenOptions& options, Reply<std::shared_ptr<Acceptor>> reply) {
  post([this, options, reply = std::move(reply)]() mutable {
    if (!down_) spawn(io_, serve_listen(options, std::move(reply)));
  });
}

void Control::accept(std::shared_ptr<Acceptor> acceptor, std::uint64_t timeout_ns,
                     Reply<Endpoint> reply) {
  post([acceptor = std::move(acceptor), timeout_ns, reply = std::move(reply)]() mutable {
    acceptor->accept(timeout_ns, std::move(reply));
  });
}

void Control::run_updater(std::shared_ptr<Updater> updater, std::uint64_t pause_ns) {
  post([this, pause_ns, updater = std::move(updater)]() mutable {
    if (!down_) spawn(io_, serve_updater(std::move(updater), pause_ns));
  });
}

void Control::wake_updater(const Updater* updater) {
  post([this, updater] {
    const auto timer = updaters_.find(updater);
    if (timer != updaters_.end()) timer->second.cancel();
  });
}

void Control::on_connection_event(const CmEvent& event) {
  post([this, event] { rdma_.on_event(event); });
}

void Control::on_endpoint_ended(EndpointId id, Code code) {
  post([this, id, code] {
    rdma_.on_endpoint_ended(id);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    const Entry entry = found->second;
    entries_.erase(found);
    entry.link->send(make_disconnect(entry.number, code));
    entry.link->remove(entry.number);
  });
}

std::optional<std::uint32_t> Control::enter(const std::shared_ptr<Link>& link,
                                            const std::shared_ptr<Endpoint::Impl>& endpoint,
                                            std::optional<std::uint32_t> number) {
  const auto entered = link->add(endpoint, number);
  if (entered) entries_[endpoint->id()] = {.link = link, .number = *entered};
  return entered;
}

void Control::tell_of_lease(EndpointId id, const LeaseMessage& message) {
  post([this, id, message] {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    found->second.link->send(make_lease(found->second.number, message));
  });
}

void Control::serve_leases() {
  post([this] {
    if (!down_ && !std::exchange(serves_leases_, true)) spawn(io_, serve_waiting_leases());
  });
}

void Control::stop_listening(std::shared_ptr<Acceptor> acceptor) {
  post([this, acceptor = std::move(acceptor)] {
    acceptor->close();
    rdma_.stop_listening(acceptor);
    acceptors_.erase(acceptor);
  });
}

void Control::end() {
  {
    const std::lock_guard guard{post_mutex_};
    ended_ = true;
  }
  io_.restart();
  io_.poll();
}

void Control::shut_down() {
  down_ = true;
  for (const auto& acceptor : std::exchange(acceptors_, {})) acceptor->close();
  rdma_.shut_down();
  resolver_.shut_down();
  for (auto& [updater, pause] : updaters_) pause.cancel();
  const auto connecting = connecting_;
  for (const auto& [remote, attempt] : connecting) attempt->link->close(context_gone());
  const auto links_to = links_to_;
  for (const auto& [remote, link] : links_to) link->close(context_gone());
  const auto accepted = accepted_;
  for (const auto& link : accepted) link->close(context_gone());
  entries_.clear();
}

}  // namespace mapwire::detail
