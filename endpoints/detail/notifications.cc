#include "mapwire/endpoints/detail/notifications.h"

#include <utility>

#include "mapwire/endpoints/detail/data_path.h"
#include "mapwire/endpoints/detail/endpoint_impl.h"

namespace mapwire::detail {

void change(NotificationSwitch& notifications, Notifications mode, DataPath& path) {
  if (path.nic() == nullptr) return;  // the context is gone
  path.drain_nic();                   // what has arrived goes by the mode until now
  notifications.mode = mode;
  if (mode == Notifications::kKept) return;
  // Those of importers that are gone have no room of their own any more.
  path.reserve_completions(notifications.kept.size());
  for (const Completion& kept : notifications.kept) {
    const bool taken = mode == Notifications::kIgnored || path.complete(kept);
    if (!taken) continue;
    if (Endpoint::Impl* importer = path.endpoints().find(kept.endpoint)) {
      importer->on_seen(kept.operation);
    }
  }
  path.give_back_completions(notifications.kept.size());
  notifications.kept.clear();
}

}  // namespace mapwire::detail
