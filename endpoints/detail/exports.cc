#include "mapwire/endpoints/detail/exports.h"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <utility>

namespace mapwire::detail {
namespace {

std::unexpected<Error> refused(Code code, std::string message) {
  return std::unexpected(Error::make(code, ErrorScope::kRequest, std::move(message)));
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kExportNameBytesMax &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c != 0x7f; });
}

// In a time that does not tell how much of it is right.
bool same_token(std::string_view left, std::string_view right) {
  unsigned difference = left.size() == right.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    difference |= static_cast<unsigned char>(left[i]) ^ static_cast<unsigned char>(right[i]);
  }
  return difference == 0;
}

bool overlap(std::span<const std::byte> left, std::span<const std::byte> right) {
  return left.data() < right.data() + right.size() && right.data() < left.data() + left.size();
}

bool may_be_written(const Exports::Buffer& buffer) {
  return buffer.rights.write || buffer.rights.atomics;
}

}  // namespace

std::expected<Exports::ExportId, Error> Exports::add(const std::string& name,
                                                     const Buffer& buffer) {
  if (!is_name(name)) {
    return refused(Code::kInvalidArgument,
                   fmt::format("export: the name is to have 1 to {} printable ASCII characters and "
                               "no blanks",
                               kExportNameBytesMax));
  }
  if (buffer.token.size() > kTokenBytesMax) {
    return refused(Code::kInvalidArgument, fmt::format("export {}: its token is longer than {} "
                                                       "bytes",
                                                       name, kTokenBytesMax));
  }
  const std::lock_guard guard{mutex_};
  if (may_be_written(buffer) && std::ranges::any_of(bound_, [&](const auto& memory) {
        return overlap(memory, buffer.memory);
      })) {
    return refused(Code::kInvalidArgument,
                   fmt::format("export {}: the memory is bound, so what peers write would be sent "
                               "back; export it for reading, or other memory",
                               name));
  }
  const auto [entry, is_new] = entries_.try_emplace(name);
  if (!is_new) {
    return refused(Code::kInvalidArgument,
                   fmt::format("export {}: a buffer of this name is exported already; end that "
                               "export, or choose another name",
                               name));
  }
  entry->second = {.id = ++last_id_, .buffer = buffer, .importers = {}};
  return last_id_;
}

std::expected<Exports::Found, Error> Exports::find(const Import& wanted) const {
  const std::lock_guard guard{mutex_};
  const auto found = entries_.find(wanted.name);
  if (found == entries_.end()) {
    return refused(Code::kNotExported, "no buffer of this name is exported here");
  }
  const Buffer& buffer = found->second.buffer;
  if (!same_token(buffer.token, wanted.token)) {
    return refused(Code::kPermission, "the export wants another token");
  }
  return Found{
      .id = found->second.id,
      .terms = {.memory = {.address = reinterpret_cast<std::uint64_t>(buffer.memory.data()),
                           .bytes = buffer.memory.size(),
                           .rkey = buffer.keys.rkey},
                .rights = buffer.rights,
                .leased = buffer.leased},
      .shared = buffer.shared,
      .lent = buffer.lent,
      .user = buffer.user};
}

Exports::Entries::iterator Exports::by_id(ExportId id) {
  return std::ranges::find(entries_, id, [](const auto& entry) { return entry.second.id; });
}

void Exports::drop_dead(Entry& entry) {
  std::erase_if(entry.importers,
                [](const auto& endpoint) { return endpoint->error().has_value(); });
}

void Exports::share(ExportId id, std::shared_ptr<const SharedPages> pages) {
  const std::lock_guard guard{mutex_};
  const auto entry = by_id(id);
  if (entry != entries_.end()) entry->second.buffer.shared = std::move(pages);
}

bool Exports::attach(ExportId id, std::shared_ptr<Endpoint::Impl> endpoint) {
  const std::lock_guard guard{mutex_};
  const auto entry = by_id(id);
  if (entry == entries_.end()) return false;
  drop_dead(entry->second);
  auto& importers = entry->second.importers;
  importers.push_back(std::move(endpoint));
  importers.back()->serve_notifications(entry->second.buffer.notifications,
                                        importers.size() * kNotificationsMax);
  return true;
}

std::size_t Exports::imports(ExportId id) {
  const std::lock_guard guard{mutex_};
  const auto entry = by_id(id);
  if (entry == entries_.end()) return 0;
  drop_dead(entry->second);
  return entry->second.importers.size();
}

bool Exports::bind(std::span<const std::byte> memory) {
  const std::lock_guard guard{mutex_};
  for (const auto& [name, entry] : entries_) {
    if (may_be_written(entry.buffer) && overlap(memory, entry.buffer.memory)) return false;
  }
  bound_.push_back(memory);
  return true;
}

void Exports::unbind(std::span<const std::byte> memory) {
  const std::lock_guard guard{mutex_};
  const auto found = std::ranges::find_if(bound_, [&](const auto& bound) {
    return bound.data() == memory.data() && bound.size() == memory.size();
  });
  if (found != bound_.end()) bound_.erase(found);
}

std::vector<std::shared_ptr<Endpoint::Impl>> Exports::remove(ExportId id) {
  const std::lock_guard guard{mutex_};
  const auto entry = by_id(id);
  if (entry == entries_.end()) return {};
  auto importers = std::move(entry->second.importers);
  entries_.erase(entry);
  return importers;
}

}  // namespace mapwire::detail
