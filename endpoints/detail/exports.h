// The buffers that a context exports, by name, and the connections of those who have imported them;
// and the memory that it has bound, which no peer may write.
//
// Threads: any.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/lender.h"
#include "mapwire/endpoints/detail/notifications.h"
#include "mapwire/endpoints/detail/window_memory_impl.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::detail {

inline constexpr std::size_t kExportNameBytesMax = 255;
inline constexpr std::size_t kTokenBytesMax = 255;

// What an importer asks for.
struct Import {
  std::string name;
  std::string token;
};

class Exports {
 public:
  using ExportId = std::uint64_t;  // never used again

  struct Buffer {
    std::span<std::byte> memory;
    MemoryKeys keys{};
    WindowRights rights;
    std::string token;
    std::optional<uid_t> user;
    std::shared_ptr<NotificationSwitch> notifications;
    std::shared_ptr<const SharedPages> shared{};  // null: importers do not map it
    std::shared_ptr<const LentMemory> lent{};     // null: the key is good for all of it
    std::optional<LeaseBytes> leased{};           // of it
  };
  struct Found {
    ExportId id = 0;
    WindowTerms terms;
    std::shared_ptr<const SharedPages> shared;
    std::shared_ptr<const LentMemory> lent;
    std::optional<uid_t> user;
  };

  // Errors: kInvalidArgument (the name or token is too long, empty or holds control characters; or
  // the name is taken; or peers could write what is bound).
  std::expected<ExportId, Error> add(const std::string& name, const Buffer& buffer);
  // Errors: kNotExported, kPermission (the token).
  std::expected<Found, Error> find(const Import& wanted) const;
  // Lets importers map it from now on.
  void share(ExportId id, std::shared_ptr<const SharedPages> pages);
  // Keeps the connection of an importer until the export ends. False: it has ended.
  bool attach(ExportId id, std::shared_ptr<Endpoint::Impl> endpoint);
  // Connections of importers that live.
  std::size_t imports(ExportId id);
  // Nobody finds it any more. The connections are the caller's to close.
  std::vector<std::shared_ptr<Endpoint::Impl>> remove(ExportId id);

  // Memory is bound until unbind() of the same. False: peers may write a part of it.
  bool bind(std::span<const std::byte> memory);
  void unbind(std::span<const std::byte> memory);

 private:
  struct Entry {
    ExportId id = 0;
    Buffer buffer;
    std::vector<std::shared_ptr<Endpoint::Impl>> importers;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;
  static void drop_dead(Entry& entry);
  Entries::iterator by_id(ExportId id);

  mutable std::mutex mutex_;
  Entries entries_;
  std::vector<std::span<const std::byte>> bound_;  // one twice, if it is bound to two windows
  ExportId last_id_ = 0;
};

}  // namespace mapwire::detail
