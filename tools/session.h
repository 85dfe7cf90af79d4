// One connection of a test, at either end: posts requests, counts their completions, hands out the
// messages that come in and carries the control messages between.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "tools/local_memory.h"
#include "tools/test_messages.h"

namespace mapwire::tools {

// How long an end waits for a control message that its peer can send at once.
inline constexpr std::uint64_t kQuietNs = 10'000'000'000;

struct SessionOptions {
  std::uint32_t receive_slots = 4;  // posted; at most the endpoint's receive entries
  std::size_t message_bytes = 0;    // the longest message
  bool one_buffer = false;          // all slots are the same memory: contents do not matter
  MemoryKind receives = MemoryKind::kRegistered;
  bool sleep = false;  // wait for events instead of polling
};

// A message that came in. It keeps its slot until it is released.
struct Received {
  std::uint32_t slot = 0;
  bool control = false;
  std::uint32_t immediate = 0;  // 0 if there was none
  std::span<const std::byte> bytes;
};

// Threads: the one that created it. Every wait ends when the endpoint dies, which it does within
// its deadline of the peer's silence, or with kInterrupted after Ctrl-C.
class Session {
 public:
  // Takes the endpoint over and posts the receives. `context` outlives the session.
  // Errors: kOutOfMemory, kLimitReached; those of the endpoint.
  static std::expected<Session, Error> create(Context& context, Endpoint endpoint,
                                              const SessionOptions& options);

  const Endpoint& endpoint() const { return endpoint_; }
  // Requests that are posted to another endpoint within a post() count as this one's.
  void count_also(EndpointId id) { counted_also_ = id; }

  // Calls post(endpoint) once. kWouldBlock: not now.
  template <class Post>
  [[nodiscard]] Code try_post(const Post& post) {
    const Code code = post(endpoint_);
    if (code == Code::kOk) ++posted_;
    return code;
  }
  // The same, polling until there is room.
  template <class Post>
  [[nodiscard]] Code post(const Post& post) {
    while (true) {
      const Code code = try_post(post);
      if (code != Code::kWouldBlock) return code;
      if (const Code polled = poll(); polled != Code::kOk) return polled;
    }
  }

  // Takes completions in, sleeping up to a tenth of a second if the options say so. Any other than
  // kOk: the run is over, and failure() says why.
  [[nodiscard]] Code poll();
  // Polls until every posted request has completed.
  [[nodiscard]] Code drain();
  std::uint64_t completed() const { return completed_; }
  std::uint64_t outstanding() const { return posted_ - completed_; }

  // The oldest message not taken yet. Release each when its bytes are no longer needed.
  bool has_message() const { return message_count_ != 0; }
  Received take_message();
  [[nodiscard]] Code release(const Received& message);

  // Sends an encoded control message and waits until that and all before it have completed. It does
  // not count as completed(). kTimeout: the peer has had no room for it for kQuietNs.
  [[nodiscard]] Code send_control(std::span<const std::byte> message);
  // The next control message, copied; other messages are dropped. Errors: kTimeout after
  // `timeout_ns`; as poll().
  std::expected<std::vector<std::byte>, Error> await_control(std::uint64_t timeout_ns);
  // The next control message, which must be of this kind. Waits as long as the endpoint lives.
  std::expected<PhaseMessage, Error> await_phase(PhaseKind kind);
  // The server's kReady, for kQuietNs; errors as await_control(). What it says is not looked at: in
  // a bidirectional stream the messages that follow may lie over it already (`one_buffer`).
  std::expected<void, Error> await_ready();
  // The peer lives, but does not say or take what is due.
  Error silence(std::uint64_t waited_ns) const;

  // What to tell about a code that a function of this class answered.
  Error failure(Code code) const;

  void close() { endpoint_.close(); }

 private:
  Session(Context& context, Endpoint endpoint, const SessionOptions& options, LocalMemory receives,
          MemoryRegion control);
  Code post_slot(std::uint32_t slot);
  Code note(const Completion& completion);
  // A place in the ring of messages, of one less than twice its size. A division would cost more
  // than the rest of what is done with a message here.
  std::size_t wrapped(std::size_t place) const {
    return place < messages_.size() ? place : place - messages_.size();
  }

  // Larger than one burst of completions need be; the rest comes with the next poll.
  static constexpr std::size_t kPollBatch = 32;

  Context* context_;
  SessionOptions options_;
  LocalMemory receives_;
  std::vector<MutableBuffer> slots_;  // pieces of it
  MemoryRegion control_;
  EndpointId counted_also_ = 0;
  Endpoint endpoint_;                           // after the memory: closed before that goes
  std::array<Completion, kPollBatch> batch_{};  // not made anew, and cleared, by each poll
  // A ring of messages not taken yet; each holds a slot, so receive_slots entries are enough.
  std::vector<Received> messages_;
  std::size_t first_message_ = 0;
  std::size_t message_count_ = 0;
  std::uint64_t posted_ = 0;
  std::uint64_t completed_ = 0;
};

}  // namespace mapwire::tools
