#include "tools/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "mapwire/runtime/clock.h"
#include "tools/interrupt.h"

namespace mapwire::tools {
namespace {

// Marks control messages. The immediates of tests count up and stay below.
constexpr std::uint32_t kControlImmediate = UINT32_MAX;
constexpr std::uint64_t kSleepSliceNs = 100'000'000;

std::size_t slot_bytes(const SessionOptions& options) {
  return std::max<std::size_t>(options.message_bytes, kControlBytesMax);
}

}  // namespace

std::expected<Session, Error> Session::create(Context& context, Endpoint endpoint,
                                              const SessionOptions& options) {
  auto receives = LocalMemory::create(
      context, slot_bytes(options) * (options.one_buffer ? 1 : options.receive_slots),
      options.receives);
  if (!receives) return std::unexpected(receives.error());
  auto control = context.allocate(kControlBytesMax);
  if (!control) return std::unexpected(control.error());
  Session session{context, std::move(endpoint), options, std::move(*receives), std::move(*control)};
  for (std::uint32_t slot = 0; slot < options.receive_slots; ++slot) {
    const Code code = session.post_slot(slot);
    if (code != Code::kOk) return std::unexpected(session.failure(code));
  }
  return session;
}

Session::Session(Context& context, Endpoint endpoint, const SessionOptions& options,
                 LocalMemory receives, MemoryRegion control)
    : context_{&context},
      options_{options},
      receives_{std::move(receives)},
      control_{std::move(control)},
      endpoint_{std::move(endpoint)},
      messages_(options.receive_slots) {
  const std::size_t bytes = slot_bytes(options);
  for (std::uint32_t slot = 0; slot < options.receive_slots; ++slot) {
    slots_.push_back(receives_.slice(options.one_buffer ? 0 : slot * bytes, bytes));
  }
}

Code Session::post_slot(std::uint32_t slot) { return endpoint_.post_receive(slots_[slot], slot); }

Code Session::poll() {
  const std::size_t count =
      options_.sleep ? context_->wait(batch_, kSleepSliceNs) : context_->poll(batch_);
  for (const Completion& completion : std::span{batch_}.first(count)) {
    // Ctrl-C may have reached the peer too; our user's wish is the reason that counts.
    if (const Code code = note(completion); code != Code::kOk && !interrupted()) return code;
  }
  return interrupted() ? Code::kInterrupted : Code::kOk;
}

Code Session::note(const Completion& completion) {
  // The last completions of an earlier connection may still come out of the context.
  if (completion.endpoint != endpoint_.id() && completion.endpoint != counted_also_) {
    return Code::kOk;
  }
  if (completion.status != Code::kOk) return completion.status;
  if (completion.operation != Operation::kReceive &&
      completion.operation != Operation::kReceiveWrite) {
    ++completed_;
    return Code::kOk;
  }
  const auto slot = static_cast<std::uint32_t>(completion.cookie);
  const bool control = completion.operation == Operation::kReceive && completion.has_immediate &&
                       completion.immediate == kControlImmediate;
  // The bytes of a WRITE went elsewhere; its receive is empty.
  const std::size_t bytes =
      completion.operation == Operation::kReceive ? static_cast<std::size_t>(completion.bytes) : 0;
  messages_[wrapped(first_message_ + message_count_)] = {
      .slot = slot,
      .control = control,
      .immediate = completion.has_immediate ? completion.immediate : 0,
      .bytes = slots_[slot].memory().first(bytes)};
  ++message_count_;
  return Code::kOk;
}

Code Session::drain() {
  while (outstanding() != 0) {
    if (const Code code = poll(); code != Code::kOk) return code;
  }
  return Code::kOk;
}

Received Session::take_message() {
  const Received message = messages_[first_message_];
  first_message_ = wrapped(first_message_ + 1);
  --message_count_;
  return message;
}

Code Session::release(const Received& message) { return post_slot(message.slot); }

Code Session::send_control(std::span<const std::byte> message) {
  std::memcpy(control_.memory().data(), message.data(), message.size());
  const ConstBuffer buffer = control_.slice(0, message.size());
  const std::uint64_t start_ns = now_ns();
  Code code = Code::kWouldBlock;
  while ((code = try_post([&](Endpoint& endpoint) {
            return endpoint.post_send(buffer, 0, kControlImmediate);
          })) == Code::kWouldBlock) {
    if (const Code polled = poll(); polled != Code::kOk) return polled;
    if (now_ns() - start_ns >= kQuietNs) return Code::kTimeout;  // the peer posts no receives
  }
  if (code != Code::kOk) return code;
  if (const Code drained = drain(); drained != Code::kOk) return drained;
  --posted_;
  --completed_;
  return Code::kOk;
}

std::expected<std::vector<std::byte>, Error> Session::await_control(std::uint64_t timeout_ns) {
  const std::uint64_t start_ns = now_ns();
  while (now_ns() - start_ns < timeout_ns) {
    while (has_message()) {
      const Received message = take_message();
      std::vector<std::byte> bytes(message.bytes.begin(), message.bytes.end());
      const Code code = release(message);
      if (code != Code::kOk) return std::unexpected(failure(code));
      if (message.control) return bytes;
    }
    if (const Code code = poll(); code != Code::kOk) return std::unexpected(failure(code));
  }
  return std::unexpected(silence(timeout_ns));
}

Error Session::silence(std::uint64_t waited_ns) const {
  return Error::make(Code::kTimeout, ErrorScope::kEndpoint,
                     fmt::format("the peer at {} said nothing for {:.1f} s; if it serves "
                                 "another client, try again later",
                                 endpoint_.info().remote, static_cast<double>(waited_ns) / 1e9));
}

std::expected<void, Error> Session::await_ready() {
  const auto ready = await_control(kQuietNs);
  if (!ready) return std::unexpected(ready.error());
  return {};
}

std::expected<PhaseMessage, Error> Session::await_phase(PhaseKind kind) {
  const auto bytes = await_control(UINT64_MAX);
  if (!bytes) return std::unexpected(bytes.error());
  auto message = decode_phase(*bytes);
  if (message && message->kind != kind) {
    return std::unexpected(Error::make(Code::kProtocolError, ErrorScope::kEndpoint,
                                       "the peer sent another control message than was due; use "
                                       "the same mapwire on both ends"));
  }
  return message;
}

Error Session::failure(Code code) const {
  if (code == Code::kInterrupted) {
    return Error::make(code, ErrorScope::kRequest, "interrupted; what was done so far counts");
  }
  if (code == Code::kTimeout) return silence(kQuietNs);
  // The endpoint knows more than the request that happened to be looked at first.
  if (auto error = endpoint_.error()) return *error;
  const CodeEntry& known = code_entry(code);
  return Error::make(code, ErrorScope::kEndpoint,
                     fmt::format("connection to {} failed: {} {}", endpoint_.info().remote,
                                 known.meaning, known.next_step));
}

}  // namespace mapwire::tools
