// What becomes of the notifications that the importers of an export send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mapwire/endpoints/completion.h"
#include "mapwire/endpoints/window.h"

namespace mapwire::detail {

class DataPath;

// Of one export, shared by the connections of its importers.
//
// Threads: guarded by the context's lock.
struct NotificationSwitch {
  Notifications mode = Notifications::kDelivered;
  std::uint64_t cookie = 0;      // the exporter's
  std::vector<Completion> kept;  // oldest first; those of importers that are gone as well
};

// What is kept goes where `mode` says, and so does whatever arrives from now on.
void change(NotificationSwitch& notifications, Notifications mode, DataPath& path);

}  // namespace mapwire::detail
