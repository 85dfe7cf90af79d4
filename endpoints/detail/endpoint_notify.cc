// The exporter's end of a window: receives without a buffer, each of which a put_notify of the
// importer consumes.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/notifications.h"
#include "mapwire/proto/descriptor.h"

namespace mapwire {

using detail::WorkKind;

void Endpoint::Impl::serve_notifications(std::shared_ptr<detail::NotificationSwitch> exported,
                                         std::size_t kept_max) {
  const std::lock_guard guard{path_->lock()};
  if (state_ != State::kOpen) return;
  exported->kept.reserve(exported->kept.size() + kept_max);
  notifications_ = std::move(exported);
  for (std::uint32_t i = 0; i < options_.receive_entries; ++i) await_notification();
  path_->after_post();
}

// Not before the user has taken the one that consumed it: so what is kept for the user is bounded,
// and an importer that is ahead waits.
void Endpoint::Impl::await_notification() {
  const proto::ReceiveDescriptor descriptor{.cookie =
                                                detail::make_cookie(id_, WorkKind::kNotification)};
  if (path_->nic()->post_receive(address_.qpn, descriptor, Now{})) {
    receives_.push({.operation = Operation::kNotification, .kind = WorkKind::kNotification});
  }
}

void Endpoint::Impl::on_notification(const proto::CompletionEntry& entry) {
  receives_.pop();
  if (const Code status = static_cast<Code>(entry.status); status != Code::kOk) {
    return fail_for(status, "a notification failed");
  }
  if (entry.opcode != proto::WorkOpcode::kReceiveWrite) {
    return fail_for(Code::kProtocolError, "an importer sent a message");
  }
  ++receives_unseen_;
  const Completion told{.cookie = notifications_->cookie,
                        .endpoint = id_,
                        .operation = Operation::kNotification,
                        .has_immediate = true,
                        .immediate = entry.immediate,
                        .bytes = entry.bytes};
  switch (notifications_->mode) {
    case Notifications::kDelivered: return deliver(told);
    case Notifications::kKept: return notifications_->kept.push_back(told);
    case Notifications::kIgnored: return on_notification_seen();
  }
}

void Endpoint::Impl::on_notification_seen() {
  --receives_unseen_;
  if (state_ == State::kOpen) await_notification();
}

}  // namespace mapwire
