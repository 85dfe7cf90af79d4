// A window whose parts are leased: the importer's accesses go with the keys of its leases, or wait
// for one.
#include <cstdint>
#include <mutex>
#include <utility>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/touch.h"
#include "mapwire/runtime/clock.h"

namespace mapwire {

using detail::LeaseAct;

bool Endpoint::Impl::on_lease(const detail::LeaseMessage& message) {
  const std::lock_guard guard{path_->lock()};
  if (!alive()) return true;
  if (!leases_) return path_->lender().on_message(id_, message, now_ns());
  bool honest = true;
  switch (message.act) {
    case LeaseAct::kGranted: honest = leases_->on_granted(message.rkey); break;
    case LeaseAct::kRefused: honest = leases_->on_refused(message.code); break;
    case LeaseAct::kRecalled: leases_->on_recalled(message.rkey); break;
    case LeaseAct::kWanted:
    case LeaseAct::kReturned: return false;
  }
  post_leased();
  path_->after_post();
  return honest;
}

Code Endpoint::Impl::submit_leased(const proto::SendDescriptor& descriptor,
                                   const detail::PendingRequest& request) {
  if (!leases_->add(descriptor)) {
    release(request);
    return Code::kLimitReached;
  }
  sends_.push(request);
  ++sends_unseen_;
  if (wires_) detail::touch(*wires_, request.operation, descriptor);
  post_leased();
  path_->after_post();
  return Code::kOk;
}

// What the NIC does not take now it does when something has completed.
void Endpoint::Impl::post_leased() {
  if (state_ != State::kOpen) return;
  while (const proto::SendDescriptor* access = leases_->ready()) {
    if (!path_->nic()->post_send(address_.qpn, *access, Now{})) break;
    leases_->on_posted();
  }
  while (const auto key = leases_->give_back()) {
    path_->on_leases.tell(id_, {.act = LeaseAct::kReturned, .rkey = *key});
  }
  if (const auto range = leases_->want(now_ns())) {
    path_->on_leases.tell(id_, {.act = LeaseAct::kWanted, .range = *range});
    if (!std::exchange(rendezvous_.noted, true)) path_->note_rendezvous(id_);
  }
  if (leases_->refused() && leases_->none_under_way()) {
    const Code code = *leases_->refused();
    fail_for(code, "the exporter does not lease what is to be accessed", code);
  }
}

// Its exporter may live, and give no answer.
bool Endpoint::Impl::await_lease() {
  const auto since_ns = leases_->wanted_since_ns();
  rendezvous_.noted = state_ == State::kOpen && since_ns;
  if (!rendezvous_.noted || now_ns() - *since_ns <= options_.deadline_ns) return rendezvous_.noted;
  fail_for(Code::kRetryExceeded, "the exporter does not lease what is to be accessed",
           Code::kRetryExceeded);
  return false;
}

}  // namespace mapwire
