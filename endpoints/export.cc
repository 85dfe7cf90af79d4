// The exporter's side of a window.
#include <sys/mman.h>

#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/detail/context_impl.h"
#include "mapwire/endpoints/detail/exports.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/tlb/range.h"

namespace mapwire {

class Export::Impl {
 public:
  Impl(std::shared_ptr<Context::Impl> context, detail::Exports::ExportId id, std::uint32_t lkey,
       std::shared_ptr<detail::NotificationSwitch> notifications)
      : context_{std::move(context)},
        id_{id},
        lkey_{lkey},
        notifications_{std::move(notifications)} {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // First nobody new finds it, then those who have it lose their connections, which tells them more
  // than a refused access would; and with the key whoever is in between loses it as well.
  ~Impl() {
    for (const auto& importer : exports().remove(id_)) importer->close();
    deregister(*context_->path(), lkey_);
  }

  std::size_t imports() const { return exports().imports(id_); }

  void set_notifications(Notifications mode) {
    detail::DataPath& path = *context_->path();
    const std::lock_guard guard{path.lock()};
    detail::change(*notifications_, mode, path);
  }

  static void deregister(detail::DataPath& path, std::uint32_t lkey) {
    const std::lock_guard guard{path.lock()};
    if (path.nic() != nullptr) path.memory().deregister_memory(lkey);
  }

 private:
  detail::Exports& exports() const { return context_->control().exports(); }

  std::shared_ptr<Context::Impl> context_;
  detail::Exports::ExportId id_;
  std::uint32_t lkey_;
  std::shared_ptr<detail::NotificationSwitch> notifications_;
};

namespace {

// As the kernel has them, so at once for any number of pages. What is unmapped later is refused to
// importers.
bool is_mapped(std::span<std::byte> memory) {
  const auto pages = tlb::pages_of(memory);
  return pages && ::msync(pages->memory().data(), pages->bytes(), MS_ASYNC) == 0;
}

}  // namespace

Export::Export(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Export::Export(Export&&) noexcept = default;
Export& Export::operator=(Export&&) noexcept = default;
Export::~Export() = default;

std::size_t Export::imports() const { return impl_->imports(); }
void Export::set_notifications(Notifications mode) { impl_->set_notifications(mode); }

std::expected<Export, Error> Context::export_buffer(std::string_view name,
                                                    std::span<std::byte> memory,
                                                    const ExportOptions& options) {
  if (auto allowed = impl_->check_thread(); !allowed) return std::unexpected(allowed.error());
  if (!memory.empty() && !is_mapped(memory)) {
    return std::unexpected(Error::make(
        Code::kInvalidArgument, ErrorScope::kRequest,
        "export " + std::string{name} + ": a page of the buffer is not mapped; map all of it"));
  }
  detail::DataPath& path = *impl_->path();
  std::unique_lock guard{path.lock()};
  const auto keys = path.memory().register_memory(memory, {.remote_read = options.rights.read,
                                                           .remote_write = options.rights.write,
                                                           .remote_atomic = options.rights.atomics,
                                                           .may_go = !options.rights.atomics});
  guard.unlock();
  if (!keys) return std::unexpected(keys.error());
  const auto notifications =
      std::make_shared<detail::NotificationSwitch>(detail::NotificationSwitch{
          .mode = options.notifications, .cookie = options.cookie, .kept = {}});
  const auto id =
      impl_->control().exports().add(std::string{name}, {.memory = memory,
                                                         .keys = *keys,
                                                         .rights = options.rights,
                                                         .token = options.token,
                                                         .notifications = notifications});
  if (id) return Export{std::make_unique<Export::Impl>(impl_, *id, keys->lkey, notifications)};
  Export::Impl::deregister(path, keys->lkey);
  return std::unexpected(id.error());
}

}  // namespace mapwire
