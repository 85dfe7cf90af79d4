// Automatic update, in the manner of SHRIMP: memory of this process whose stores appear in an
// imported buffer without a further call. docs/windows.md tells what travels and when.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mapwire/endpoints/completion.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/runtime/error.h"

namespace mapwire {

struct BindOptions {
  std::uint64_t offset = 0;  // of the buffer, where the first byte of the memory goes
  // From the end of a look at the memory to the next, at least 10 us and at most 1 s. A look that
  // takes longer is followed by a pause as long as itself.
  std::uint64_t interval_ns = 1'000'000;
};

// What a binding has done so far.
struct BindingCounts {
  std::uint64_t passes = 0;  // looks at the memory
  std::uint64_t pages = 0;   // compared with what was sent of them before
  std::uint64_t puts = 0;
  std::uint64_t bytes = 0;  // in them
};

// Memory that is bound to a window, as long as this lives. Words of 8 bytes whose value is another
// than the one that was last sent travel, neighbours in one put, of at most 16 KiB; what was there
// before does not. A value that is overwritten before it was looked at does not travel either.
//
// The memory stays mapped and readable while this lives. If it does not, the binding fails with
// kLocalProtection when it looks, and the process lives, unless a seccomp filter refuses
// process_vm_readv. Stores by a child of fork, by other processes and devices, and through other
// mappings of the memory may not be noticed, nor what a receive, a get or asynchronous input writes
// there; nor does a store of the value that is there already count as one. What peers write into
// the memory would be sent back, so memory exported by the same context for writing can not be
// bound.
//
// The context's helper thread looks and sends; with Progress::kInline the application's calls do:
// poll() at most once a millisecond, a wait() that sleeps every 10 to 80 ms. A copy of the memory
// is kept.
//
// Threads: any, if the context was created with Threads::kSafe; otherwise the context's thread.
class Binding {
 public:
  class Impl;
  explicit Binding(std::unique_ptr<Impl> impl);
  Binding(Binding&&) noexcept;
  Binding& operator=(Binding&&) noexcept;
  // Unbinds and closes the window. What was stored since the last flush may or may not have been
  // sent. When it returns the memory is the caller's alone, and flushes have completed.
  ~Binding();

  // Completes in the context's poll() with the id of the binding as its endpoint and the cookie,
  // when every store made before the call is at the exporter's memory: kOk. Any other status says
  // that the binding failed, or ended (kFlushed), before; error() has the reason. Looks at the
  // memory in the call if it can.
  // Returns kWouldBlock if 16 flushes, or half of ImportOptions::entries, have not been polled;
  // kEndpointClosed if the context is gone.
  [[nodiscard]] Code flush(std::uint64_t cookie);

  EndpointId id() const;  // the window's
  // Whether the kernel tells which pages were stored to. Otherwise each look compares all of the
  // memory, which takes a processor about a millisecond for 4 MiB.
  bool told_of_stores() const;
  BindingCounts counts() const;
  // Why the binding is dead, or nothing while it lives.
  std::optional<Error> error() const;

 private:
  std::unique_ptr<Impl> impl_;
};

// Why the kernel does not tell this process of stores, as a sentence with the next step; empty if
// it does. Any thread.
std::string obstacle_to_tracking_stores();

}  // namespace mapwire
