// The exporter's side of a window.
#include <fmt/format.h>

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

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/context_impl.h"
#include "mapwire/endpoints/detail/exports.h"
#include "mapwire/endpoints/detail/mapped_window.h"
#include "mapwire/endpoints/detail/tripwire_impl.h"
#include "mapwire/endpoints/detail/window_memory_impl.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/tlb/mapping.h"
#include "mapwire/tlb/range.h"

namespace mapwire {

class Export::Impl {
 public:
  // Of `memory`, which importers may map if it is `shareable`.
  static std::expected<Export, Error> make(std::shared_ptr<Context::Impl> context,
                                           std::string_view name, std::span<std::byte> memory,
                                           std::shared_ptr<WindowMemory::Impl> shareable,
                                           const ExportOptions& options);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // First nobody new finds it, then those who have it lose their connections, which tells them more
  // than a refused access would; with the key whoever is in between loses it as well, and at last
  // the processors of those who have it mapped.
  ~Impl() {
    if (id_) {
      for (const auto& importer : exports().remove(*id_)) importer->close();
    }
    if (lkey_) deregister();
    if (lent_) end_leases();
    if (shared_) memory_->withdraw();
  }

  std::size_t imports() const { return exports().imports(*id_); }

  std::expected<Tripwire, Error> set_tripwire(std::uint64_t offset, std::uint64_t bytes,
                                              const TripwireOptions& options);
  void set_notifications(Notifications mode) {
    detail::DataPath& path = *context_->path();
    const std::lock_guard guard{path.lock()};
    detail::change(*notifications_, mode, path);
  }

 private:
  Impl(std::shared_ptr<Context::Impl> context, std::span<std::byte> buffer,
       std::shared_ptr<WindowMemory::Impl> memory)
      : context_{std::move(context)}, buffer_{buffer}, memory_{std::move(memory)} {}

  std::expected<detail::Exports::Buffer, Error> describe(std::string_view name,
                                                         const ExportOptions& options);
  std::expected<void, Error> expose(std::string_view name, const Access& access,
                                    detail::Exports::Buffer& buffer);
  void deregister();
  void end_leases();
  std::expected<void, Error> share(const WindowRights& rights);
  std::expected<void, Error> watch();
  detail::Exports& exports() const { return context_->control().exports(); }

  std::shared_ptr<Context::Impl> context_;
  std::span<std::byte> buffer_;
  std::shared_ptr<TripTable> wires_;                   // null: the NIC does not watch
  std::shared_ptr<WindowMemory::Impl> memory_;         // null: nobody maps it
  std::shared_ptr<const detail::SharedPages> shared_;  // null likewise, or for the rights
  std::optional<std::uint32_t> lkey_;                  // of all of it
  std::shared_ptr<detail::LentMemory> lent_;           // or its parts are leased
  std::optional<detail::Exports::ExportId> id_;
  std::shared_ptr<detail::NotificationSwitch> notifications_;
};

namespace {

// What is unmapped later is refused to importers.
bool is_mapped(std::span<std::byte> memory) {
  const auto pages = tlb::pages_of(memory);
  return pages && tlb::is_mapped(*pages);
}

std::expected<void, Error> check_user(const NicAttributes& nic, std::string_view name,
                                      const ExportOptions& options) {
  if (!options.user || nic.shared_memory) return {};
  return std::unexpected(Error::make(
      Code::kNotSupported, ErrorScope::kRequest,
      fmt::format("export {}: it is for processes of one user, which show by shared memory who "
                  "they are, and the NIC {} has none here; use the soft NIC with MAPWIRE_WIRE=auto "
                  "or shm, or export it with a token",
                  name, nic.name)));
}

}  // namespace

// A NIC that pins memory has its parts pinned when an importer wants them, the others know all.
std::expected<void, Error> Export::Impl::expose(std::string_view name, const Access& access,
                                                detail::Exports::Buffer& buffer) {
  detail::DataPath& path = *context_->path();
  const std::lock_guard guard{path.lock()};
  if (path.nic() == nullptr) return std::unexpected(detail::context_gone());
  if (path.tlb() == nullptr) {
    const auto keys = path.memory().register_memory(buffer_, access);
    if (!keys) return std::unexpected(keys.error());
    buffer.keys = *keys;
    lkey_ = keys->lkey;
    return {};
  }
  buffer.leased = path.lender().lease_bytes(buffer_.size());
  if (!buffer.leased) {
    return std::unexpected(Error::make(
        Code::kLimitReached, ErrorScope::kRequest,
        fmt::format("export {}: half of what the context may pin, {} bytes in all, is no room for "
                    "importers; raise the limit on locked memory (ulimit -l, or `memlock` in "
                    "limits.conf) or MAPWIRE_PIN_BUDGET",
                    name, path.tlb()->limits().bytes)));
  }
  lent_ =
      std::make_shared<detail::LentMemory>(detail::LentMemory{.memory = buffer_, .access = access});
  buffer.lent = lent_;
  return {};
}

std::expected<detail::Exports::Buffer, Error> Export::Impl::describe(std::string_view name,
                                                                     const ExportOptions& options) {
  const WindowRights& rights = options.rights;
  detail::Exports::Buffer buffer{.memory = buffer_,
                                 .rights = rights,
                                 .token = options.token,
                                 .user = options.user,
                                 .notifications = notifications_};
  const Access access{.remote_read = rights.read,
                      .remote_write = rights.write,
                      .remote_atomic = rights.atomics,
                      .may_go = !rights.atomics && !memory_};
  if (auto exposed = expose(name, access, buffer); !exposed) {
    return std::unexpected(std::move(exposed.error()));
  }
  return buffer;
}

void Export::Impl::end_leases() {
  detail::DataPath& path = *context_->path();
  const std::lock_guard guard{path.lock()};
  if (path.nic() != nullptr) path.lender().end(*lent_);
}

void Export::Impl::deregister() {
  detail::DataPath& path = *context_->path();
  const std::lock_guard guard{path.lock()};
  if (path.nic() != nullptr) path.memory().deregister_memory(*lkey_);
}

// Last, as taking it back moves the memory. Who has imported it before has it by the wire.
std::expected<void, Error> Export::Impl::share(const WindowRights& rights) {
  const auto sharing = detail::pages_for(rights);
  if (!memory_ || !sharing || !context_->path()->attributes().shared_memory) return {};
  auto shared = memory_->share(*sharing);
  if (!shared) return std::unexpected(std::move(shared.error()));
  shared_ = std::move(*shared);
  exports().share(*id_, shared_);
  return {};
}

// (locked) Has the NIC show us what importers do.
std::expected<void, Error> Export::Impl::watch() {
  detail::DataPath& path = *context_->path();
  if (wires_ != nullptr) return {};
  if (path.nic() == nullptr) {
    return std::unexpected(
        Error::make(Code::kEndpointClosed, ErrorScope::kRequest, "tripwire: the context is gone"));
  }
  auto wires = Tripwire::Impl::make_table(path);
  if (!lkey_ || !path.nic()->watch_memory(*lkey_, *wires)) {
    return std::unexpected(
        Error::make(Code::kNotSupported, ErrorScope::kRequest,
                    fmt::format("tripwire: the NIC {} does not tell what peers do in its memory; "
                                "use the soft NIC, or have importers put_notify",
                                path.attributes().name)));
  }
  wires_ = std::move(wires);
  return {};
}

std::expected<Tripwire, Error> Export::Impl::set_tripwire(std::uint64_t offset, std::uint64_t bytes,
                                                          const TripwireOptions& options) {
  if (auto right = Tripwire::Impl::check(offset, bytes, buffer_.size(), options); !right) {
    return std::unexpected(right.error());
  }
  if (shared_) {
    return std::unexpected(
        Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                    "tripwire: importers of this host may have mapped the memory, and nobody sees "
                    "what they do there; export it with ExportOptions::tripwires"));
  }
  const std::lock_guard guard{context_->path()->lock()};
  if (auto watched = watch(); !watched) return std::unexpected(watched.error());
  auto hung = Tripwire::Impl::hang(
      context_->path(), wires_, reinterpret_cast<std::uint64_t>(&buffer_[offset]), bytes, options);
  if (!hung) return std::unexpected(hung.error());
  return Tripwire{std::move(*hung)};
}

std::expected<Export, Error> Export::Impl::make(std::shared_ptr<Context::Impl> context,
                                                std::string_view name, std::span<std::byte> memory,
                                                std::shared_ptr<WindowMemory::Impl> shareable,
                                                const ExportOptions& options) {
  if (auto possible = check_user(context->path()->attributes(), name, options); !possible) {
    return std::unexpected(std::move(possible.error()));
  }
  std::unique_ptr<Impl> made{new Impl{std::move(context), memory, std::move(shareable)}};
  made->notifications_ = std::make_shared<detail::NotificationSwitch>(detail::NotificationSwitch{
      .mode = options.notifications, .cookie = options.cookie, .kept = {}});
  const auto buffer = made->describe(name, options);
  if (!buffer) return std::unexpected(buffer.error());
  const auto id = made->exports().add(std::string{name}, *buffer);
  if (!id) return std::unexpected(id.error());
  made->id_ = *id;
  if (!options.tripwires) {
    if (auto shared = made->share(options.rights); !shared) return std::unexpected(shared.error());
  }
  return Export{std::move(made)};
}

Export::Export(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Export::Export(Export&&) noexcept = default;
Export& Export::operator=(Export&&) noexcept = default;
Export::~Export() = default;

std::size_t Export::imports() const { return impl_->imports(); }
void Export::set_notifications(Notifications mode) { impl_->set_notifications(mode); }

std::expected<Tripwire, Error> Export::set_tripwire(std::uint64_t offset, std::uint64_t bytes,
                                                    const TripwireOptions& options) {
  return impl_->set_tripwire(offset, bytes, options);
}

std::expected<Export, Error> Context::export_buffer(std::string_view name,
                                                    std::span<std::byte> memory,
                                                    const ExportOptions& options) {
  if (auto allowed = impl_->check_thread(); !allowed) return std::unexpected(allowed.error());
  if (!is_mapped(memory)) {
    return std::unexpected(Error::make(
        Code::kInvalidArgument, ErrorScope::kRequest,
        fmt::format("export {}: {}", name,
                    memory.empty() ? "the buffer is empty; give it memory"
                                   : "a page of the buffer is not mapped; map all of it")));
  }
  return Export::Impl::make(impl_, name, memory, nullptr, options);
}

std::expected<Export, Error> Context::export_buffer(std::string_view name,
                                                    const WindowMemory& memory,
                                                    const ExportOptions& options) {
  if (auto allowed = impl_->check_thread(); !allowed) return std::unexpected(allowed.error());
  return Export::Impl::make(impl_, name, memory.memory(), memory.impl_, options);
}

}  // namespace mapwire
