#include "mapwire/endpoints/detail/updater.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/runtime/clock.h"
#include "mapwire/tlb/mapping.h"

namespace mapwire::detail {
namespace {

using Word = std::uint64_t;

// When a pass or a flush waits for puts to complete, of which nobody tells, or for its next turn.
constexpr std::uint64_t kBusyNs = 50'000;
// 4 MiB, which take about a millisecond: whose thread this is has peers to serve.
constexpr int kBatchesPerTurn = 256;

// Where, from `begin` on, words of the two differ (`differ`) or agree; their size if nowhere.
std::size_t find_word(std::span<const std::byte> left, std::span<const std::byte> right,
                      std::size_t begin, bool differ) {
  for (std::size_t at = begin; at < left.size(); at += sizeof(Word)) {
    if ((std::memcmp(&left[at], &right[at], sizeof(Word)) != 0) == differ) return at;
  }
  return left.size();
}

}  // namespace

Updater::Updater(const tlb::Range& local, Window window, const BindOptions& options)
    : local_{local},
      options_{options},
      window_{std::move(window)},
      tracker_{local},
      image_{local.bytes()} {
  stored_.reserve(tracker_.ranges_max());
}

std::expected<std::shared_ptr<Updater>, Error> Updater::create(const tlb::Range& local,
                                                               Window window,
                                                               const BindOptions& options) {
  if (!window.endpoint_.impl_->bind_window()) {
    return std::unexpected(
        Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                    fmt::format("bind: accesses of window {} are under way; poll until all that "
                                "was posted to it has completed",
                                window.id())));
  }
  std::shared_ptr<Updater> made{new Updater{local, std::move(window), options}};
  made->tracker_.collect(made->stored_);  // from now on stores are told
  for (Part part; part.begin < local.bytes(); part.begin = part.end) {
    part.end = std::min(part.begin + kBatchBytes, local.bytes());
    if (made->copy(part, made->image_.bytes().subspan(part.begin, part.bytes()))) continue;
    return std::unexpected(Error::make(
        Code::kInvalidArgument, ErrorScope::kRequest,
        fmt::format("bind: the memory at {:#x} can not be read; map all of it with read and write",
                    local.begin + part.begin)));
  }
  return made;
}

// By the kernel, as other threads store there meanwhile and the pages may be gone.
bool Updater::copy(const Part& part, std::span<std::byte> to) const {
  return process_memory_.read(local_.begin + part.begin, to.first(part.bytes()));
}

bool Updater::puts_under_way() const {
  return counts_.puts != window_.endpoint_.impl_->puts_over();
}

void Updater::begin_pass() {
  in_pass_ = true;
  ++pass_;
  ++counts_.passes;
  pass_began_ns_ = now_ns();
  tracker_.collect(stored_);
  next_stored_ = 0;
  batch_ = {};
  compared_ = 0;
  if (!tlb::is_mapped(local_)) fail_for_memory();  // else it would not be looked at
}

bool Updater::stage_next() {
  if (next_stored_ == stored_.size()) return false;
  tlb::Range& stored = stored_[next_stored_];
  const std::size_t begin = stored.begin - local_.begin;
  batch_ = {.begin = begin, .end = begin + std::min(stored.bytes(), kBatchBytes)};
  stored.begin += batch_.bytes();
  if (stored.bytes() == 0) ++next_stored_;
  compared_ = 0;
  counts_.pages += batch_.bytes() / tlb::kPageBytes;
  if (copy(batch_, staged_.bytes())) return true;
  fail_for_memory();
  return false;
}

// The next words of the batch that differ from the image, which has them when this returns.
std::optional<Updater::Part> Updater::next_change() {
  const auto now = std::span<const std::byte>{staged_.bytes()}.first(batch_.bytes());
  const auto before = image_.bytes().subspan(batch_.begin, batch_.bytes());
  const std::size_t begin = find_word(now, before, compared_, true);
  const std::size_t end = find_word(now, before, begin, false);
  compared_ = end;
  if (begin == end) return std::nullopt;
  std::memcpy(&before[begin], &now[begin], end - begin);
  return Part{.begin = batch_.begin + begin, .end = batch_.begin + end};
}

// False: there is no room for a put.
bool Updater::put_changes() {
  while (change_ || (change_ = next_change())) {
    const std::span<const std::byte> bytes =
        image_.bytes().subspan(change_->begin, change_->bytes());
    const Code code = window_.put(options_.offset + change_->begin, bytes, 0);
    if (code == Code::kWouldBlock) return false;
    if (code != Code::kOk) {
      fail(code, "a put of what was stored was refused; bind to a new import");
      return true;
    }
    ++counts_.puts;
    counts_.bytes += bytes.size();
    change_.reset();
  }
  return true;
}

// False: there is no room for a put, or others are to have their turn.
bool Updater::go_on_with_pass() {
  for (int batches = 0; put_changes(); ++batches) {
    if (batches == kBatchesPerTurn) return false;
    if (stage_next()) continue;
    in_pass_ = false;
    pass_took_ns_ = now_ns() - pass_began_ns_;
    return true;
  }
  return false;
}

bool Updater::advance() {
  if (!in_pass_ && !puts_under_way()) begin_pass();
  if (in_pass_) go_on_with_pass();
  const bool flushed = window_.endpoint_.impl_->post_flushes(in_pass_ ? pass_ - 1 : pass_);
  return flushed && !in_pass_;
}

void Updater::fail(Code code, std::string_view what) {
  change_.reset();
  next_stored_ = stored_.size();
  tracker_.stop();
  window_.endpoint_.impl_->fail(
      Error::make(code, ErrorScope::kRequest,
                  fmt::format("binding {}: {}: {}", window_.id(), name(code), what)),
      Code::kFlushed);
}

void Updater::fail_for_memory() {
  fail(Code::kLocalProtection,
       fmt::format("the memory at {:#x} is gone or can not be read; keep bound memory mapped and "
                   "readable, and bind again",
                   local_.begin + batch_.begin));
}

std::optional<std::uint64_t> Updater::progress() {
  const std::lock_guard guard{mutex_};
  if (stopped_) return std::nullopt;
  if (window_.error()) {
    tracker_.stop();
    return std::nullopt;
  }
  return advance() ? std::max(options_.interval_ns, pass_took_ns_) : kBusyNs;
}

Updater::Flush Updater::flush(std::uint64_t cookie) {
  const std::lock_guard guard{mutex_};
  const Code code = window_.endpoint_.impl_->begin_flush(cookie, pass_ + 1);
  if (code != Code::kOk || window_.error()) return {.code = code};
  return {.waits = !advance()};
}

void Updater::stop() {
  const std::lock_guard guard{mutex_};
  stopped_ = true;
  tracker_.stop();
  window_.close();
}

bool Updater::told_of_stores() const {
  const std::lock_guard guard{mutex_};
  return tracker_.told();
}

BindingCounts Updater::counts() const {
  const std::lock_guard guard{mutex_};
  return counts_;
}

}  // namespace mapwire::detail
