// Tripwires, in the manner of CLAN: a range of an exported or imported buffer that tells when it is
// accessed, though who accesses it knows nothing of it. Export::set_tripwire and
// Window::set_tripwire make them; docs/windows.md tells what for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace mapwire {

struct TripwireOptions {
  // Which accesses trip it. An atomic is both.
  bool reads = false;
  bool writes = true;
};

// Of one export or one window together.
inline constexpr std::size_t kTripwiresMax = 65'536;

// A tripwire, as long as this lives. It is made disarmed, trips once when it is armed, and is then
// disarmed until it is armed again: however many accesses touch it, the context has one completion
// (kTripwire, of no endpoint), which tells that there was one, not which. So who waits arms it,
// looks at the memory, and then waits: an access after arm() trips it, one before it was seen.
//
// An access of a peer trips it when its bytes are in the memory (a long write comes in pieces, and
// each piece is an access), or when it is served, if it reads. One of our own, through the window,
// trips it when its post was accepted.
//
// Threads: any, if the context was created with Threads::kSafe; otherwise the context's thread. It
// may outlive its export, window and context, and never trips then.
class Tripwire {
 public:
  class Impl;
  explicit Tripwire(std::unique_ptr<Impl> impl);
  Tripwire(Tripwire&&) noexcept;
  Tripwire& operator=(Tripwire&&) noexcept;
  // Disarms it.
  ~Tripwire();

  // The next access trips it, and poll() gives a completion with this cookie. If it has tripped
  // before and poll() has not given the completion, that is withdrawn: true.
  bool arm(std::uint64_t cookie);
  // When it returns, poll() gives no completion of it. True: it had tripped, and the completion is
  // withdrawn.
  bool disarm();

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace mapwire
