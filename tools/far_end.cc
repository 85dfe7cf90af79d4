#include "tools/far_end.h"

#include <fmt/format.h>

#include <cerrno>
#include <future>
#include <utility>

#include "tools/processors.h"

namespace mapwire::tools {

std::expected<std::jthread, Error> start_far_end(int processor,
                                                 std::function<void(const std::stop_token&)> loop) {
  std::promise<int> outcome;  // of binding, an errno
  std::future<int> bound = outcome.get_future();
  std::jthread thread{[processor, run = std::move(loop),
                       told = std::move(outcome)](const std::stop_token& stop) mutable {
    const bool is_bound = pin_to_processor(processor);
    told.set_value(is_bound ? 0 : errno);
    if (is_bound) run(stop);
  }};
  const int failure = bound.get();
  if (failure == 0) return thread;
  return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kRequest, failure,
                                           fmt::format("binding a thread to CPU {}", processor),
                                           "measure without --baseline"));
}

Error far_end_silent(std::string_view baseline) {
  return Error::make(Code::kTimeout, ErrorScope::kRequest,
                     fmt::format("baseline {}: the thread on the other CPU is silent; leave both "
                                 "CPUs to this test",
                                 baseline));
}

}  // namespace mapwire::tools
