// The directory that holds the counter files of a user, /dev/shm/mapwire.<uid>/, and the names in
// it: <pid>.<process start>.<sequence>, since a process may own several blocks (one per context).
#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire::detail {

struct CounterFileName {
  std::uint64_t process_start = 0;
  std::int32_t pid = 0;
  std::uint32_t sequence = 0;
  friend auto operator<=>(const CounterFileName&, const CounterFileName&) = default;
};
std::string to_string(const CounterFileName& name);
std::optional<CounterFileName> parse_counter_file_name(std::string_view text);

// The path of the calling user's directory.
std::string counter_directory_path();

// Opens the directory, making it if it does not exist. Refuses one that another user owns or may
// enter. Errors: kPermission, kSystemCall.
std::expected<UniqueFd, Error> open_counter_directory();

// The counter files in it, older processes first. Other files are passed over.
std::vector<CounterFileName> list_counter_files(int directory);

// An owner holds a lock on its file (flock), which the system drops when it dies: unlike a pid this
// can not mislead across pid namespaces. False for a file that cannot be opened.
bool owner_is_dead(int directory, const std::string& name);

// Removes the files whose owner is dead but the newest `keep`.
void remove_dead_counter_files(int directory, std::size_t keep);

// In clock ticks after boot; 0 where /proc is not mounted.
std::uint64_t own_process_start();

}  // namespace mapwire::detail
