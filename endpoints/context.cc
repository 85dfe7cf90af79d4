#include "mapwire/endpoints/context.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "mapwire/endpoints/detail/context_impl.h"
#include "mapwire/endpoints/detail/listener_impl.h"
#include "mapwire/endpoints/detail/memory_owner.h"
#include "mapwire/runtime/arena.h"
#include "mapwire/runtime/log.h"

namespace mapwire {
namespace {

std::expected<MemoryRegion, Error> make_region(const std::shared_ptr<detail::DataPath>& path,
                                               std::span<std::byte> memory, Access access,
                                               std::optional<Arena> arena) {
  std::unique_lock guard{path->lock()};
  const auto keys = path->memory().register_memory(memory, access);
  guard.unlock();
  if (!keys) return std::unexpected(keys.error());
  return MemoryRegion{std::make_shared<MemoryRegion::Owner>(path, std::move(arena)), memory, *keys};
}

// Counters are for looking: a host without /dev/shm runs without them.
std::unique_ptr<CounterBlock> make_counters() {
  auto block = CounterBlock::create();
  if (block) return std::move(*block);
  log(LogLevel::kWarn, "no counters: {}", block.error().message);
  return nullptr;
}

}  // namespace

Context::Context(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}
Context::Context(Context&&) noexcept = default;

Context& Context::operator=(Context&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

Context::~Context() {
  if (impl_) impl_->shut_down();
}

std::expected<Context, Error> Context::create(const ContextOptions& options) {
  const auto settings = detail::make_settings(options);
  if (!settings) return std::unexpected(settings.error());
  auto counters = make_counters();
  auto nic = detail::choose_nic(*settings, counters.get());
  if (!nic) return std::unexpected(nic.error());
  auto impl = Impl::create(*settings, std::move(*nic), std::move(counters));
  if (!impl) return std::unexpected(impl.error());
  return Context{std::move(*impl)};
}

std::expected<Listener, Error> Context::listen(const ListenOptions& options) {
  if (auto allowed = impl_->check_thread(); !allowed) return std::unexpected(allowed.error());
  auto acceptor = impl_->await_reply<std::shared_ptr<detail::Acceptor>>(
      [&](detail::Reply<std::shared_ptr<detail::Acceptor>> reply) {
        impl_->control().listen(options, std::move(reply));
      });
  if (!acceptor) return std::unexpected(acceptor.error());
  return Listener{std::make_shared<Listener::Impl>(impl_, std::move(*acceptor))};
}

std::expected<Endpoint, Error> Context::connect(std::string_view address,
                                                const ConnectOptions& options) {
  if (auto allowed = impl_->check_thread(); !allowed) return std::unexpected(allowed.error());
  return impl_->await_reply<Endpoint>([&](detail::Reply<Endpoint> reply) {
    impl_->control().connect(std::string{address}, options, std::move(reply));
  });
}

std::expected<Window, Error> Context::import_buffer(std::string_view address,
                                                    const ImportOptions& options) {
  if (auto allowed = impl_->check_thread(); !allowed) return std::unexpected(allowed.error());
  return impl_->await_reply<Window>([&](detail::Reply<Window> reply) {
    impl_->control().import_buffer(std::string{address}, options, std::move(reply));
  });
}

std::expected<MemoryRegion, Error> Context::register_memory(std::span<std::byte> memory,
                                                            Access access) {
  if (auto allowed = impl_->check_thread(); !allowed) return std::unexpected(allowed.error());
  return make_region(impl_->path(), memory, access, std::nullopt);
}

std::expected<MemoryRegion, Error> Context::allocate(std::size_t bytes, Access access) {
  if (auto allowed = impl_->check_thread(); !allowed) return std::unexpected(allowed.error());
  auto arena = Arena::create("mapwire-buffer", bytes);
  if (!arena) return std::unexpected(arena.error());
  const std::span<std::byte> memory = arena->memory().first(bytes);
  return make_region(impl_->path(), memory, access, std::move(*arena));
}

const NicAttributes& Context::nic_attributes() const { return impl_->path()->attributes(); }

const std::string& Context::nic_reason() const { return impl_->path()->reason(); }

std::size_t Context::poll(std::span<Completion> completions) { return impl_->poll(completions); }

std::size_t Context::wait(std::span<Completion> completions, std::uint64_t timeout_ns) {
  return impl_->wait(completions, timeout_ns);
}

int Context::event_fd() const { return impl_->event_fd(); }

bool Context::arm() { return impl_->arm(); }

}  // namespace mapwire
