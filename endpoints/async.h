// Asio integration: a context bound to an executor. Every operation takes a completion token, so a
// coroutine writes
//   std::size_t bytes = co_await context.async_send(endpoint, message, asio::use_awaitable);
// A post that would block waits inside, in order with the others of its queue.
//
// Threads: an AsyncContext and its endpoints belong to its executor, whose functions must not run
// at the same time; give a strand if the event loop has several threads. Handlers run on their
// associated executors, never before the initiating call returned.
//
// Buffers belong to the operation until its handler runs. An operation cannot be cancelled alone,
// since the NIC has its buffer: close the endpoint, and its operations end with kFlushed.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/error_category.h"

namespace mapwire {

// For implementation only: what is to be posted ...
struct AsyncRequest {
  Operation operation = Operation::kSend;
  ConstBuffer source{std::span<const std::byte>{}};
  MutableBuffer target{std::span<std::byte>{}};
  RemoteBuffer remote{};
  std::optional<std::uint32_t> immediate{};
  std::uint64_t compare = 0;
  std::uint64_t swap_or_add = 0;
};

// ... and where its completion goes.
class AsyncOperation {
 public:
  explicit AsyncOperation(const AsyncRequest& to_post) : request{to_post} {}
  AsyncOperation(const AsyncOperation&) = delete;
  AsyncOperation& operator=(const AsyncOperation&) = delete;
  virtual ~AsyncOperation() = default;
  // Posts the handler to its executor. Called once, last.
  virtual void complete(const Completion& completion) = 0;

  // What posting it would answer at once; otherwise it is posted when it is its turn.
  std::optional<Code> refused{};
  const AsyncRequest request;
  std::shared_ptr<Endpoint::Impl> endpoint;
  std::uint64_t original = 0;  // what an atomic found
};

class AsyncContext {
 public:
  // Takes the context over; completions arrive at handlers, so do not poll it.
  AsyncContext(asio::any_io_executor executor, Context context);
  AsyncContext(const AsyncContext&) = delete;
  AsyncContext& operator=(const AsyncContext&) = delete;
  // Destroys the context, which closes its endpoints: what is pending ends with kFlushed, connects
  // and accepts with kEndpointClosed. The handlers still run, on their executors.
  ~AsyncContext();

  // For what has no asynchronous form: listen(), register_memory(), allocate(), export_buffer().
  Context& context();

  // From now on the executor runs `handler` for each notification of an importer (window.h), and
  // the event loop stays. Empty, as at first: they are dropped; keep them instead with
  // Notifications::kKept.
  void on_notification(std::function<void(const Completion&)> handler);

  // As Context::connect. Handler: void(std::error_code, Endpoint); with an error the endpoint is as
  // if moved from. The log has the sentence that belongs to the error, at level info.
  template <class Token>
  auto async_connect(std::string address, const ConnectOptions& options, Token&& token) {
    return make<Endpoint>(
        [this, address = std::move(address), options](OnMade<Endpoint> on_endpoint) mutable {
          begin_connect(std::move(address), options, std::move(on_endpoint));
        },
        std::forward<Token>(token));
  }

  // As Listener::accept without a time-out. Handler: void(std::error_code, Endpoint). The listener
  // is of this context and outlives the operation.
  template <class Token>
  auto async_accept(Listener& listener, Token&& token) {
    return make<Endpoint>(
        [this, &listener](OnMade<Endpoint> on_endpoint) {
          begin_accept(listener, std::move(on_endpoint));
        },
        std::forward<Token>(token));
  }

  // As Endpoint::post_send. Handler: void(std::error_code, std::size_t bytes).
  template <class Token>
  auto async_send(Endpoint& endpoint, ConstBuffer message, Token&& token) {
    return start<std::size_t>(endpoint, {.operation = Operation::kSend, .source = message},
                              std::forward<Token>(token));
  }
  template <class Token>
  auto async_send(Endpoint& endpoint, ConstBuffer message, std::uint32_t immediate, Token&& token) {
    return start<std::size_t>(
        endpoint, {.operation = Operation::kSend, .source = message, .immediate = immediate},
        std::forward<Token>(token));
  }

  // As Endpoint::post_receive. Handler: void(std::error_code, Completion), which tells the bytes
  // and the immediate.
  template <class Token>
  auto async_receive(Endpoint& endpoint, MutableBuffer buffer, Token&& token) {
    return start<Completion>(endpoint, {.operation = Operation::kReceive, .target = buffer},
                             std::forward<Token>(token));
  }

  // As Endpoint::post_write. Handler: void(std::error_code, std::size_t bytes).
  template <class Token>
  auto async_write(Endpoint& endpoint, ConstBuffer source, RemoteBuffer target, Token&& token) {
    return start<std::size_t>(endpoint,
                              {.operation = Operation::kWrite, .source = source, .remote = target},
                              std::forward<Token>(token));
  }
  template <class Token>
  auto async_write(Endpoint& endpoint, ConstBuffer source, RemoteBuffer target,
                   std::uint32_t immediate, Token&& token) {
    return start<std::size_t>(endpoint,
                              {.operation = Operation::kWrite,
                               .source = source,
                               .remote = target,
                               .immediate = immediate},
                              std::forward<Token>(token));
  }

  // As Endpoint::post_read. Handler: void(std::error_code, std::size_t bytes).
  template <class Token>
  auto async_read(Endpoint& endpoint, MutableBuffer target, RemoteBuffer source, Token&& token) {
    return start<std::size_t>(endpoint,
                              {.operation = Operation::kRead, .target = target, .remote = source},
                              std::forward<Token>(token));
  }

  // As Endpoint::post_compare_swap and post_fetch_add. Handler: void(std::error_code, std::uint64_t
  // original).
  template <class Token>
  auto async_compare_swap(Endpoint& endpoint, RemoteBuffer target, std::uint64_t compare,
                          std::uint64_t swap, Token&& token) {
    return start<std::uint64_t>(endpoint,
                                {.operation = Operation::kCompareSwap,
                                 .remote = target,
                                 .compare = compare,
                                 .swap_or_add = swap},
                                std::forward<Token>(token));
  }
  template <class Token>
  auto async_fetch_add(Endpoint& endpoint, RemoteBuffer target, std::uint64_t amount,
                       Token&& token) {
    return start<std::uint64_t>(
        endpoint, {.operation = Operation::kFetchAdd, .remote = target, .swap_or_add = amount},
        std::forward<Token>(token));
  }

 private:
  friend class AsyncWindow;
  friend class AsyncTripwire;
  template <class T>
  using OnMade = std::move_only_function<void(std::error_code, T)>;
  class Impl;

  // Runs a handler with its result on its executor, which is kept busy until then.
  template <class Handler>
  class Delivery {
   public:
    Delivery(Handler handler, const asio::any_io_executor& fallback)
        : work_{asio::get_associated_executor(handler, fallback)}, handler_{std::move(handler)} {}

    template <class Result>
    void operator()(std::error_code error, Result result) {
      asio::post(work_.get_executor(),
                 [handler = std::move(handler_), error, result = std::move(result)]() mutable {
                   std::move(handler)(error, std::move(result));
                 });
      work_.reset();
    }

   private:
    asio::executor_work_guard<asio::associated_executor_t<Handler, asio::any_io_executor>> work_;
    Handler handler_;
  };

  template <class Result, class Handler>
  class HandledOperation final : public AsyncOperation {
   public:
    HandledOperation(const AsyncRequest& to_post, Handler handler,
                     const asio::any_io_executor& fallback)
        : AsyncOperation{to_post}, delivery_{std::move(handler), fallback} {}

    void complete(const Completion& completion) override {
      delivery_(make_error_code(completion.status), result_of(completion));
    }

   private:
    Result result_of(const Completion& completion) const {
      if constexpr (std::is_same_v<Result, Completion>) {
        return completion;
      } else {
        const bool atomic = completion.operation == Operation::kCompareSwap ||
                            completion.operation == Operation::kFetchAdd;
        return atomic ? original : completion.bytes;
      }
    }
    Delivery<Handler> delivery_;
  };

  template <class Result, class Token>
  auto start(Endpoint& endpoint, const AsyncRequest& request, Token&& token,
             std::optional<Code> refused = {}) {
    return asio::async_initiate<Token, void(std::error_code, Result)>(
        [this, &endpoint, request, refused](auto handler) {
          using Handler = std::decay_t<decltype(handler)>;
          auto operation = std::make_unique<HandledOperation<Result, Handler>>(
              request, std::move(handler), executor_);
          operation->refused = refused;
          begin(endpoint, std::move(operation));
        },
        token);
  }

  template <class T, class Begin, class Token>
  auto make(Begin begin_it, Token&& token) {
    return asio::async_initiate<Token, void(std::error_code, T)>(
        [this, begin_it = std::move(begin_it)](auto handler) mutable {
          using Handler = std::decay_t<decltype(handler)>;
          begin_it(OnMade<T>{Delivery<Handler>{std::move(handler), executor_}});
        },
        token);
  }

  template <class Token>
  auto start_waiting(std::uint64_t trip, Token&& token) {
    return asio::async_initiate<Token, void(std::error_code, std::size_t)>(
        [this, trip](auto handler) {
          using Handler = std::decay_t<decltype(handler)>;
          wait_for_trip(trip, std::make_unique<HandledOperation<std::size_t, Handler>>(
                                  AsyncRequest{.operation = Operation::kTripwire},
                                  std::move(handler), executor_));
        },
        token);
  }

  // For AsyncTripwire: the completions of a tripwire that is armed with the number of a trip.
  std::uint64_t add_trip();
  void remove_trip(std::uint64_t trip);
  void forget_trip(std::uint64_t trip);  // it has not tripped
  void wait_for_trip(std::uint64_t trip, std::unique_ptr<AsyncOperation> waiter);
  void end_waiting(std::uint64_t trip);

  void begin(Endpoint& endpoint, std::unique_ptr<AsyncOperation> operation);
  void begin_connect(std::string address, const ConnectOptions& options,
                     OnMade<Endpoint> on_endpoint);
  void begin_accept(Listener& listener, OnMade<Endpoint> on_endpoint);
  void begin_import(std::string address, const ImportOptions& options, OnMade<Window> on_window);

  asio::any_io_executor executor_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace mapwire
