// Windows (window.h) on Asio: every access takes a completion token, so a coroutine writes
//
//   auto window = co_await AsyncWindow::async_import(context, "host/name", {}, use_awaitable);
//
//   co_await window.async_put(offset, bytes, use_awaitable);
//
// Threads, buffers and the order of what waits inside: async.h. An access that reaches out of the
// buffer or lacks the right ends with kRemoteAccess; nothing was posted then, and the window lives.
#pragma once

#include <asio/async_result.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "mapwire/endpoints/async.h"
#include "mapwire/endpoints/window.h"

namespace mapwire {

class AsyncWindow {
 public:
  // `context` outlives it and is the one that imported the window.
  AsyncWindow(AsyncContext& context, Window window)
      : context_{&context}, window_{std::move(window)} {}

  // As Context::import_buffer. Handler: void(std::error_code, AsyncWindow); with an error the
  // window is as if moved from. The log has the sentence that belongs to the error, at level info.
  template <class Token>
  static auto async_import(AsyncContext& context, std::string address, const ImportOptions& options,
                           Token&& token) {
    return context.make<AsyncWindow>(
        [&context, address = std::move(address), options](auto on_window) mutable {
          context.begin_import(std::move(address), options,
                               [&context, on_window = std::move(on_window)](std::error_code error,
                                                                            Window window) mutable {
                                 on_window(error, AsyncWindow{context, std::move(window)});
                               });
        },
        std::forward<Token>(token));
  }

  // What has no asynchronous form: bytes(), rights(), close(), error(). Do not post on it.
  Window& window() { return window_; }

  // As Window::put. Handler: void(std::error_code, std::size_t bytes).
  template <class Token>
  auto async_put(std::uint64_t offset, ConstBuffer source, Token&& token) {
    return start<std::size_t>(reach(&WindowRights::write, offset, source.memory().size()),
                              {.operation = Operation::kWrite, .source = source},
                              std::forward<Token>(token));
  }

  // As Window::put_notify. Handler: void(std::error_code, std::size_t bytes).
  template <class Token>
  auto async_put_notify(std::uint64_t offset, ConstBuffer source, std::uint32_t number,
                        Token&& token) {
    return start<std::size_t>(
        reach(&WindowRights::write, offset, source.memory().size()),
        {.operation = Operation::kWrite, .source = source, .immediate = number},
        std::forward<Token>(token));
  }

  // As Window::get. Handler: void(std::error_code, std::size_t bytes).
  template <class Token>
  auto async_get(std::uint64_t offset, MutableBuffer target, Token&& token) {
    return start<std::size_t>(reach(&WindowRights::read, offset, target.memory().size()),
                              {.operation = Operation::kRead, .target = target},
                              std::forward<Token>(token));
  }

  // As Window::flush. Handler: void(std::error_code, std::size_t), always with 0.
  template <class Token>
  auto async_flush(Token&& token) {
    return start<std::size_t>(RemoteBuffer{}, {.operation = Operation::kRead},
                              std::forward<Token>(token));
  }

  // As Window::fetch_add and compare_swap. Handler: void(std::error_code, std::uint64_t original).
  template <class Token>
  auto async_fetch_add(std::uint64_t offset, std::uint64_t amount, Token&& token) {
    return start<std::uint64_t>(reach(&WindowRights::atomics, offset, sizeof(amount)),
                                {.operation = Operation::kFetchAdd, .swap_or_add = amount},
                                std::forward<Token>(token));
  }
  template <class Token>
  auto async_compare_swap(std::uint64_t offset, std::uint64_t compare, std::uint64_t swap,
                          Token&& token) {
    return start<std::uint64_t>(
        reach(&WindowRights::atomics, offset, sizeof(swap)),
        {.operation = Operation::kCompareSwap, .compare = compare, .swap_or_add = swap},
        std::forward<Token>(token));
  }

 private:
  std::optional<RemoteBuffer> reach(bool WindowRights::* right, std::uint64_t offset,
                                    std::uint64_t bytes) const {
    return window_.reach(right, offset, bytes);
  }
  template <class Result, class Token>
  auto start(const std::optional<RemoteBuffer>& remote, AsyncRequest request, Token&& token) {
    const std::optional<Code> refused = remote ? std::nullopt : std::optional{Code::kRemoteAccess};
    request.remote = remote.value_or(RemoteBuffer{});
    return context_->start<Result>(window_.endpoint_, request, std::forward<Token>(token), refused);
  }

  AsyncContext* context_;
  Window window_;
};

}  // namespace mapwire
