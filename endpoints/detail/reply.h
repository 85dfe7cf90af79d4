// The answer to a request that the control plane carries out later.
#pragma once

#include <expected>
#include <functional>
#include <utility>

#include "mapwire/runtime/error.h"

namespace mapwire::detail {

// Calls a function once with the result. If it dies before, because the control plane went, the
// function gets kEndpointClosed: nobody waits for ever.
template <class T>
class Reply {
 public:
  using Function = std::move_only_function<void(std::expected<T, Error>)>;

  explicit Reply(Function function) : function_{std::move(function)} {}
  Reply(Reply&& other) noexcept : function_{std::exchange(other.function_, nullptr)} {}
  Reply& operator=(Reply&&) = delete;
  ~Reply() {
    if (!function_) return;
    function_(std::unexpected(Error::make(Code::kEndpointClosed, ErrorScope::kProcess,
                                          "context: was destroyed while the call waited; make "
                                          "another one")));
  }

  void operator()(std::expected<T, Error> result) {
    std::exchange(function_, nullptr)(std::move(result));
  }

 private:
  Function function_;
};

}  // namespace mapwire::detail
