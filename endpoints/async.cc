#include "mapwire/endpoints/async.h"

#include <algorithm>
#include <array>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <expected>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mapwire/endpoints/detail/context_impl.h"
#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/listener_impl.h"
#include "mapwire/endpoints/detail/trip_waits.h"
#include "mapwire/runtime/log.h"

namespace mapwire {
namespace {

// Completions taken before others on the executor get their turn.
constexpr std::size_t kBatch = 32;
// More than ever wait at once: an importer may notify without end.
constexpr std::size_t kClosingMax = std::size_t{1} << 20;

Code post(AsyncOperation& operation, std::uint64_t cookie) {
  Endpoint::Impl& endpoint = *operation.endpoint;
  const AsyncRequest& request = operation.request;
  switch (request.operation) {
    case Operation::kSend: return endpoint.post_send(request.source, cookie, request.immediate);
    case Operation::kReceiveWrite:
    case Operation::kReceive: return endpoint.post_receive(request.target, cookie);
    case Operation::kWrite:
      return endpoint.post_write(request.source, request.remote, cookie, request.immediate);
    case Operation::kRead: return endpoint.post_read(request.target, request.remote, cookie);
    case Operation::kCompareSwap:
    case Operation::kFetchAdd:
      return endpoint.post_atomic(request.operation, operation.original, request.remote,
                                  request.compare, request.swap_or_add, cookie);
    case Operation::kNotification:
    case Operation::kTripwire: break;
  }
  std::abort();  // no operation
}

// Requests of one queue stay in order.
bool same_queue(const AsyncOperation& one, const AsyncOperation& other) {
  const auto receives = [](const AsyncOperation& operation) {
    return operation.request.operation == Operation::kReceive;
  };
  return one.endpoint == other.endpoint && receives(one) == receives(other);
}

Completion ended(const AsyncOperation& operation, Code code) {
  return {.operation = operation.request.operation, .status = code};
}

}  // namespace

class AsyncContext::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(const asio::any_io_executor& executor, Context context)
      : context_{std::move(context)}, readable_{executor} {}

  Context& context() { return *context_; }

  // Has the reply of a connect, accept or import given to `on_made`, which posts it on; in place of
  // one that failed `nothing`. While there is one, the context is polled, which it needs if its
  // progress is inline.
  template <class T>
  static detail::Reply<T> reply_to(const std::shared_ptr<Impl>& self, OnMade<T> on_made,
                                   T nothing) {
    ++self->begun_;
    self->watch();
    return detail::Reply<T>{[weak = std::weak_ptr{self}, executor = self->readable_.get_executor(),
                             on_made = std::move(on_made),
                             nothing = std::move(nothing)](std::expected<T, Error> result) mutable {
      asio::post(executor, [weak] {
        if (const auto impl = weak.lock()) impl->on_ended();
      });
      if (result) {
        on_made({}, std::move(*result));
      } else {
        log(LogLevel::kInfo, "{}", result.error().message);
        on_made(make_error_code(result.error().code), std::move(nothing));
      }
    }};
  }

  void begin(std::unique_ptr<AsyncOperation> operation) {
    waiting_.push_back(std::move(operation));
    const auto last = std::prev(waiting_.end());
    const bool behind_another = std::any_of(
        waiting_.begin(), last, [&](const auto& other) { return same_queue(*other, **last); });
    if (!behind_another) try_post(last);
    watch();
  }

  void on_notification(std::function<void(const Completion&)> handler) {
    on_notification_ = std::move(handler);
    if (idle() && readable_.is_open()) readable_.cancel();
    watch();
  }

  // AsyncTripwire's.
  detail::TripWaits& trips() { return trips_; }
  void wait_for_trip(std::uint64_t trip, std::unique_ptr<AsyncOperation> waiter) {
    trips_.wait(trip, std::move(waiter));
    watch();
  }
  void end_waiting(std::uint64_t trip) {
    trips_.end(trip);
    if (idle() && readable_.is_open()) readable_.cancel();
  }

  // See ~AsyncContext.
  void close() {
    std::size_t taken = take_completions();
    for (std::size_t more = 1; more != 0 && taken < kClosingMax; taken += more) {
      more = take_completions();
    }
    if (readable_.is_open()) readable_.release();
    context_.reset();
    trips_.end_all();
    for (const auto& [cookie, operation] : std::exchange(posted_, {})) {
      operation->complete(ended(*operation, Code::kFlushed));
    }
    for (const auto& operation : std::exchange(waiting_, {})) {
      operation->complete(ended(*operation, Code::kFlushed));
    }
  }

 private:
  using Operations = std::list<std::unique_ptr<AsyncOperation>>;

  // Posts the operation if there is room. False: it waits on.
  bool try_post(Operations::iterator operation) {
    const Code code = post(**operation, next_cookie_);
    if (code == Code::kWouldBlock) return false;
    std::unique_ptr<AsyncOperation> taken = std::move(*operation);
    waiting_.erase(operation);
    if (code == Code::kOk) {
      posted_.emplace(next_cookie_++, std::move(taken));
    } else {
      taken->complete(ended(*taken, code));
    }
    return true;
  }

  void post_waiting() {
    std::vector<const AsyncOperation*> blocked;
    for (auto next = waiting_.begin(); next != waiting_.end();) {
      const auto operation = next++;
      const bool behind_another = std::ranges::any_of(
          blocked, [&](const auto* other) { return same_queue(*other, **operation); });
      const AsyncOperation* const raw = operation->get();
      if (behind_another || !try_post(operation)) blocked.push_back(raw);
    }
  }

  std::size_t take_completions() {
    std::array<Completion, kBatch> completions;
    const std::size_t count = context_->poll(completions);
    for (const Completion& completion : std::span{completions}.first(count)) {
      if (completion.operation == Operation::kNotification) {
        tell(completion);
        continue;
      }
      if (completion.operation == Operation::kTripwire) {
        trips_.on_trip(completion.cookie);
        continue;
      }
      const auto operation = posted_.extract(completion.cookie);
      if (operation.empty()) std::abort();  // somebody else posted on this context
      operation.mapped()->complete(completion);
    }
    return count;
  }

  void tell(const Completion& notification) {
    if (!on_notification_) return;
    asio::post(readable_.get_executor(),
               [handler = on_notification_, notification] { handler(notification); });
  }

  // The last connect or accept that a wait was for may be over: the event loop need not stay.
  void on_ended() {
    --begun_;
    if (idle() && readable_.is_open()) readable_.cancel();
  }

  bool idle() const {
    return posted_.empty() && waiting_.empty() && begun_ == 0 && !trips_.somebody_waits() &&
           !on_notification_;
  }

  void run() {
    watching_ = false;
    if (!context_) return;
    take_completions();
    post_waiting();
    watch();
  }

  // Comes back when the context has something, if anybody waits for it.
  void watch() {
    if (watching_ || idle()) return;
    watching_ = true;
    const auto again = [weak = weak_from_this()](const asio::error_code& = {}) {
      if (const auto self = weak.lock()) self->run();
    };
    if (!context_->arm()) {
      asio::post(readable_.get_executor(), again);
      return;
    }
    if (!readable_.is_open()) readable_.assign(context_->event_fd());
    readable_.async_wait(asio::posix::stream_descriptor::wait_read, again);
  }

  std::optional<Context> context_;
  asio::posix::stream_descriptor readable_;                          // lent by the context
  Operations waiting_;                                               // would block, oldest first
  std::map<std::uint64_t, std::unique_ptr<AsyncOperation>> posted_;  // by cookie
  std::uint64_t next_cookie_ = 0;
  std::size_t begun_ = 0;
  detail::TripWaits trips_;
  std::function<void(const Completion&)> on_notification_;
  bool watching_ = false;
};

AsyncContext::AsyncContext(asio::any_io_executor executor, Context context)
    : executor_{std::move(executor)},
      impl_{std::make_shared<Impl>(executor_, std::move(context))} {}

AsyncContext::~AsyncContext() { impl_->close(); }

Context& AsyncContext::context() { return impl_->context(); }

void AsyncContext::on_notification(std::function<void(const Completion&)> handler) {
  impl_->on_notification(std::move(handler));
}

std::uint64_t AsyncContext::add_trip() { return impl_->trips().add(); }
void AsyncContext::forget_trip(std::uint64_t trip) { impl_->trips().forget(trip); }
void AsyncContext::remove_trip(std::uint64_t trip) {
  impl_->end_waiting(trip);
  impl_->trips().remove(trip);
}
void AsyncContext::wait_for_trip(std::uint64_t trip, std::unique_ptr<AsyncOperation> waiter) {
  impl_->wait_for_trip(trip, std::move(waiter));
}
void AsyncContext::end_waiting(std::uint64_t trip) { impl_->end_waiting(trip); }

void AsyncContext::begin(Endpoint& endpoint, std::unique_ptr<AsyncOperation> operation) {
  if (operation->refused) return operation->complete(ended(*operation, *operation->refused));
  operation->endpoint = endpoint.impl_;
  impl_->begin(std::move(operation));
}

void AsyncContext::begin_connect(std::string address, const ConnectOptions& options,
                                 OnMade<Endpoint> on_endpoint) {
  Context::Impl::of(impl_->context())
      .control()
      .connect(std::move(address), options,
               Impl::reply_to(impl_, std::move(on_endpoint), Endpoint{nullptr}));
}

void AsyncContext::begin_accept(Listener& listener, OnMade<Endpoint> on_endpoint) {
  listener.impl_->begin_accept(UINT64_MAX,
                               Impl::reply_to(impl_, std::move(on_endpoint), Endpoint{nullptr}));
}

void AsyncContext::begin_import(std::string address, const ImportOptions& options,
                                OnMade<Window> on_window) {
  Context::Impl::of(impl_->context())
      .control()
      .import_buffer(std::move(address), options,
                     Impl::reply_to(impl_, std::move(on_window), Window{Endpoint{nullptr}, {}}));
}

}  // namespace mapwire
