// The work of a binding: finds what was stored since the last pass, and puts it.
//
// A pass asks which pages were stored to, copies them, compares the copies with what was sent
// before (the image), and puts what differs, from the image. The next pass begins when all puts of
// the one before are over: so the image is never written while the NIC may read it.
//
// Threads: any; each call takes the updater's lock, and then, for a put, the context's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "mapwire/endpoints/binding.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/lazy_memory.h"
#include "mapwire/runtime/process_memory.h"
#include "mapwire/tlb/range.h"
#include "mapwire/tlb/write_tracker.h"

namespace mapwire::detail {

class Updater {
 public:
  // Pages that are copied and compared at once, and so the most that a put has.
  static constexpr std::size_t kBatchBytes = 4 * tlb::kPageBytes;

  // Preconditions: whole pages, which fit into the window; it may be written. Errors:
  // kInvalidArgument (the memory can not be read; accesses of the window are under way).
  static std::expected<std::shared_ptr<Updater>, Error> create(const tlb::Range& local,
                                                               Window window,
                                                               const BindOptions& options);
  Updater(const Updater&) = delete;
  Updater& operator=(const Updater&) = delete;

  // Goes on, and says how long from now on there is nothing to do. Nothing: it has ended.
  std::optional<std::uint64_t> progress();
  // Binding's.
  struct Flush {
    Code code = Code::kOk;
    bool waits = false;  // progress() is to be called soon
  };
  Flush flush(std::uint64_t cookie);
  // Reads the memory no more, and closes the window.
  void stop();

  EndpointId id() const { return window_.id(); }
  bool told_of_stores() const;
  BindingCounts counts() const;
  std::optional<Error> error() const { return window_.error(); }

 private:
  // Bytes of the range.
  struct Part {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t bytes() const { return end - begin; }
  };

  Updater(const tlb::Range& local, Window window, const BindOptions& options);

  // (locked)
  bool copy(const Part& part, std::span<std::byte> to) const;
  // False: to be called again soon.
  bool advance();
  void begin_pass();
  bool go_on_with_pass();
  bool stage_next();
  bool put_changes();
  std::optional<Part> next_change();
  void fail(Code code, std::string_view what);
  void fail_for_memory();
  bool puts_under_way() const;

  const tlb::Range local_;
  const BindOptions options_;
  const ProcessMemory process_memory_;
  mutable std::mutex mutex_;
  Window window_;
  tlb::WriteTracker tracker_;
  LazyMemory image_;
  LazyMemory staged_{kBatchBytes};
  bool stopped_ = false;

  // The pass: what of it is not staged, newest last; what is, and how far that was compared.
  bool in_pass_ = false;
  std::uint64_t pass_ = 0;  // its number, or the last one's
  std::uint64_t pass_began_ns_ = 0;
  std::uint64_t pass_took_ns_ = 0;  // the last one
  std::vector<tlb::Range> stored_;
  std::size_t next_stored_ = 0;
  Part batch_;
  std::size_t compared_ = 0;
  std::optional<Part> change_;  // in the image, and not posted yet

  BindingCounts counts_;
};

}  // namespace mapwire::detail
