#include "mapwire/runtime/verbs/event_descriptors.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <cerrno>
#include <expected>
#include <string>

#include "mapwire/runtime/verbs/failures.h"

namespace mapwire::verbs {
std::expected<EventDescriptors, Error> EventDescriptors::create(const std::string& device,
                                                                ibv_context* context,
                                                                ibv_comp_channel* channel) {
  EventDescriptors events;
  events.context_ = context;
  events.channel_ = channel;
  events.epoll_ = UniqueFd{::epoll_create1(EPOLL_CLOEXEC)};
  if (!events.epoll_ || !events.watch(channel->fd) || !events.watch(context->async_fd)) {
    return std::unexpected(object_refused(device, "event descriptors", errno));
  }
  return events;
}

bool EventDescriptors::watch(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return false;
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

bool EventDescriptors::arm(ibv_cq* completions) {
  if (armed_) {
    ibv_cq* notified = nullptr;
    void* context = nullptr;
    if (ibv_get_cq_event(channel_, &notified, &context) != 0) return false;
    ibv_ack_cq_events(notified, 1);
  }
  armed_ = ibv_req_notify_cq(completions, 0) == 0;
  return true;
}

bool EventDescriptors::next_event(ibv_async_event& event) {
  return ibv_get_async_event(context_, &event) == 0;
}

}  // namespace mapwire::verbs
