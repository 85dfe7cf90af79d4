#include "mapwire/endpoints/binding.h"

#include <fmt/format.h>

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/context_impl.h"
#include "mapwire/endpoints/detail/updater.h"
#include "mapwire/tlb/range.h"
#include "mapwire/tlb/write_tracker.h"

namespace mapwire {
namespace {

constexpr std::uint64_t kIntervalMinNs = 10'000;
constexpr std::uint64_t kIntervalMaxNs = 1'000'000'000;

std::unexpected<Error> refused(std::string_view what) {
  return std::unexpected(
      Error::make(Code::kInvalidArgument, ErrorScope::kRequest, fmt::format("bind: {}", what)));
}

bool is_whole_pages(std::span<std::byte> memory) {
  const auto pages = tlb::pages_of(memory);
  return pages && pages->memory().data() == memory.data() && pages->bytes() == memory.size();
}

}  // namespace

class Binding::Impl {
 public:
  static std::expected<Binding, Error> make(std::shared_ptr<Context::Impl> context,
                                            std::span<std::byte> memory, Window window,
                                            const BindOptions& options);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (updater_) {
      updater_->stop();
      context_->control().wake_updater(updater_.get());
    }
    if (bound_) context_->control().exports().unbind(memory_);
  }

  Code flush(std::uint64_t cookie) {
    const auto [code, waits] = updater_->flush(cookie);
    if (waits) context_->control().wake_updater(updater_.get());
    return code;
  }
  const detail::Updater& updater() const { return *updater_; }

 private:
  Impl(std::shared_ptr<Context::Impl> context, std::span<std::byte> memory)
      : context_{std::move(context)}, memory_{memory} {}

  std::shared_ptr<Context::Impl> context_;
  std::span<std::byte> memory_;
  bool bound_ = false;
  std::shared_ptr<detail::Updater> updater_;
};

std::expected<Binding, Error> Binding::Impl::make(std::shared_ptr<Context::Impl> context,
                                                  std::span<std::byte> memory, Window window,
                                                  const BindOptions& options) {
  if (!is_whole_pages(memory)) return refused("the memory is to be whole pages; align it");
  if (!window.endpoint_.impl_->is_of(*context->path()))
    return refused("the window is another context's");
  if (!window.reach(&WindowRights::write, options.offset, memory.size())) {
    return refused(
        fmt::format("{} bytes at offset {} are not all in a window of {} bytes that may "
                    "be written",
                    memory.size(), options.offset, window.bytes()));
  }
  if (options.interval_ns < kIntervalMinNs || options.interval_ns > kIntervalMaxNs) {
    return refused(
        fmt::format("the interval is to be {} to {} ns", kIntervalMinNs, kIntervalMaxNs));
  }
  if (auto error = window.error()) return std::unexpected(*std::move(error));
  std::unique_ptr<Impl> made{new Impl{std::move(context), memory}};
  detail::Control& control = made->context_->control();
  if (!control.exports().bind(memory)) {
    return refused("the memory is exported for writing, so what peers write would be sent back");
  }
  made->bound_ = true;
  auto updater = detail::Updater::create(*tlb::pages_of(memory), std::move(window), options);
  if (!updater) return std::unexpected(std::move(updater.error()));
  made->updater_ = std::move(*updater);
  control.run_updater(made->updater_, options.interval_ns);
  return Binding{std::move(made)};
}

Binding::Binding(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Binding::Binding(Binding&&) noexcept = default;
Binding& Binding::operator=(Binding&&) noexcept = default;
Binding::~Binding() = default;

Code Binding::flush(std::uint64_t cookie) { return impl_->flush(cookie); }
EndpointId Binding::id() const { return impl_->updater().id(); }
bool Binding::told_of_stores() const { return impl_->updater().told_of_stores(); }
BindingCounts Binding::counts() const { return impl_->updater().counts(); }
std::optional<Error> Binding::error() const { return impl_->updater().error(); }

std::expected<Binding, Error> Context::bind(std::span<std::byte> memory, Window window,
                                            const BindOptions& options) {
  if (auto allowed = impl_->check_thread(); !allowed) return std::unexpected(allowed.error());
  return Binding::Impl::make(impl_, memory, std::move(window), options);
}

std::string obstacle_to_tracking_stores() { return tlb::obstacle_to_tracking(); }

}  // namespace mapwire
