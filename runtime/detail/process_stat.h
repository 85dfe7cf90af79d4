// What the kernel tells of a process in /proc, for messages about it and to tell it from a later
// one that has the same pid.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mapwire::detail {

struct ProcessStat {
  std::string program;      // its first 15 characters; what is not printable ASCII is a '?'
  std::uint64_t start = 0;  // clock ticks after boot
};

// Of the text of /proc/PID/stat. Nothing if it is none.
std::optional<ProcessStat> parse_process_stat(std::string_view text);

// Of /proc/<process>/stat: a pid, or "self". Nothing if there is no such process that this user can
// see.
std::optional<ProcessStat> read_process_stat(std::string_view process);

// The user a process runs as. Nothing as above.
std::optional<uid_t> user_of_process(pid_t pid);

}  // namespace mapwire::detail
