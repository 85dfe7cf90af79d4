// Reading the counters (counters.h) of other processes of this user: of one that runs, hangs, is
// stopped, or died. Nothing is asked of the process itself.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "mapwire/runtime/error.h"

namespace mapwire {

struct CounterValue {
  std::string name;
  std::uint64_t value = 0;
};

// Those of one context, in order of creation.
struct ContextCounters {
  // Its number in its process, from 0. That of a context that was destroyed is given again.
  std::uint32_t context = 0;
  std::vector<CounterValue> counters;
};

struct ProcessCounters {
  std::int32_t pid = 0;
  bool alive = false;  // a stopped or hanging process is; as the lock on its files says
  // As ps(1) has it, at most 15 printable characters. Empty: it is dead, or of another pid
  // namespace.
  std::string program;
  std::vector<ContextCounters> contexts;  // ascending, at least one
};

// The processes of this user that have counters, or left some: the 16 newest files of the dead are
// kept. Older processes first. Errors: kPermission (the directory is not this user's alone),
// kSystemCall (no /dev/shm).
std::expected<std::vector<std::int32_t>, Error> list_counted_processes();

// The counters of process `pid`; if several had that pid, of the youngest. Errors: kPermission (the
// process is another user's), kInvalidArgument (there is no such process and nothing it left, or it
// has no counters), kBadFile (a file of it is damaged, or of another version), kSystemCall.
std::expected<ProcessCounters, Error> read_counters(std::int32_t pid);

}  // namespace mapwire
