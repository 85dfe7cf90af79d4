// The two windows of --op put: memory of this end that the peer has imported, and the peer's.
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <utility>

#include "mapwire/endpoints/context.h"
#include "tools/session.h"

namespace mapwire::tools {

class TestWindows {
 public:
  // Exports `bytes` zeros, imports the peer's and awaits that it has ours; it does the same at the
  // same time. `context` outlives the windows. Errors: those of listen(), export_buffer() and
  // import_buffer(); kProtocolError; as Session::await_control.
  static std::expected<TestWindows, Error> create(Context& context, Session& session,
                                                  std::size_t bytes);

  std::span<std::byte> memory() const { return memory_.memory(); }
  Window& peers() { return peers_; }

 private:
  TestWindows(WindowMemory memory, Listener listener, Export exported, Window peers)
      : memory_{std::move(memory)},
        listener_{std::move(listener)},
        exported_{std::move(exported)},
        peers_{std::move(peers)} {}

  WindowMemory memory_;
  Listener listener_;
  Export exported_;
  Window peers_;
};

}  // namespace mapwire::tools
