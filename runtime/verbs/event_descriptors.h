// The descriptors on which a caller sleeps: completions and asynchronous events behind one.
#pragma once

#include <expected>
#include <string>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/unique_fd.h"
#include "mapwire/runtime/verbs/handles.h"

namespace mapwire::verbs {

class EventDescriptors {
 public:
  // The device and the channel outlive it. Errors: kSystemCall.
  static std::expected<EventDescriptors, Error> create(const std::string& device,
                                                       ibv_context* context,
                                                       ibv_comp_channel* channel);

  // Readable while the notification of a completion, or an event, was not taken.
  int fd() const { return epoll_.get(); }

  // Asks for a notification of the next completion, unless one is asked for and has not come. True:
  // it was asked for now; completions from before are not told of, so poll once more.
  bool arm(ibv_cq* completions);

  // From now on fd() is readable too while `fd` is, which becomes non-blocking. False: errno says
  // why.
  bool watch(int fd);

  // Takes the next asynchronous event; the caller acknowledges it. False: there is none.
  bool next_event(ibv_async_event& event);

 private:
  EventDescriptors() = default;

  ibv_context* context_ = nullptr;
  ibv_comp_channel* channel_ = nullptr;
  UniqueFd epoll_;
  bool armed_ = false;
};

}  // namespace mapwire::verbs
