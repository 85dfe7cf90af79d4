// Counter files are copied by read(2) and never mapped: a file that its owner cuts short then gives
// an error instead of SIGBUS.
#include "mapwire/runtime/counter_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "mapwire/proto/counter_layout.h"
#include "mapwire/runtime/counters.h"
#include "mapwire/runtime/detail/counter_directory.h"
#include "mapwire/runtime/detail/process_stat.h"

namespace mapwire {
namespace {

using detail::CounterFileName;

// For messages.
std::string path_of(const CounterFileName& name) {
  return fmt::format("counter file {}/{}", detail::counter_directory_path(), to_string(name));
}

// The bytes of a file, one more than it should have if it is longer. Nothing: it has gone, with its
// context.
std::expected<std::optional<std::vector<std::byte>>, Error> read_file(int directory,
                                                                      const CounterFileName& name) {
  const UniqueFd file{
      openat(directory, to_string(name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!file && errno == ENOENT) return std::nullopt;
  std::vector<std::byte> bytes(sizeof(proto::CounterFile) + 1);
  // A read of a memory file is whole unless the file is shorter. The kernel copies aligned words
  // whole, so values that are being counted are not torn.
  const auto length = file ? read(file.get(), bytes.data(), bytes.size()) : -1;
  if (length < 0) {
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kRequest, errno,
                                             path_of(name), "remove what stands in its place"));
  }
  bytes.resize(static_cast<std::size_t>(length));
  return bytes;
}

// The files of the youngest process that has or had this pid.
std::vector<CounterFileName> files_of(int directory, std::int32_t pid) {
  auto names = detail::list_counter_files(directory);
  std::erase_if(names, [&](const auto& name) { return name.pid != pid; });
  if (names.empty()) return names;
  const std::uint64_t start = names.back().process_start;
  std::erase_if(names, [&](const auto& name) { return name.process_start != start; });
  return names;
}

std::expected<std::vector<ContextCounters>, Error> read_contexts(
    int directory, const std::vector<CounterFileName>& names) {
  std::vector<ContextCounters> contexts;
  for (const CounterFileName& name : names) {
    const auto bytes = read_file(directory, name);
    if (!bytes) return std::unexpected(bytes.error());
    if (!*bytes) continue;
    auto counters = CounterBlock::parse(**bytes, path_of(name));
    if (!counters) return std::unexpected(counters.error());
    contexts.push_back({.context = name.sequence, .counters = std::move(*counters)});
  }
  return contexts;
}

// Why there is nothing of this process to read.
Error no_counters(std::int32_t pid) {
  const auto user = detail::user_of_process(pid);
  if (!user) {
    return Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                       fmt::format("process {} does not exist and left no counters; `mapwire stat` "
                                   "lists the processes that have some",
                                   pid));
  }
  if (*user != geteuid()) {
    return Error::make(Code::kPermission, ErrorScope::kRequest,
                       fmt::format("process {} belongs to the user with id {}, who alone finds its "
                                   "counters; use `sudo -u '#{}' mapwire stat {}`",
                                   pid, *user, *user, pid));
  }
  return Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                     fmt::format("process {} has no counters in {}: it has no mapwire context now; "
                                 "`mapwire stat` lists the processes that have some",
                                 pid, detail::counter_directory_path()));
}

// Adds `more` to `sum`, by name.
void add_up(std::vector<CounterValue>& sum, std::vector<CounterValue> more) {
  for (CounterValue& value : more) {
    auto known = std::ranges::find(sum, value.name, &CounterValue::name);
    if (known == sum.end()) {
      sum.push_back(std::move(value));
    } else {
      known->value += value.value;
    }
  }
}

// Of a living process. Its pid may be that of another one in this pid namespace.
std::string program_of(const CounterFileName& name) {
  const auto stat = detail::read_process_stat(std::to_string(name.pid));
  return stat && stat->start == name.process_start ? stat->program : std::string{};
}

}  // namespace

std::expected<std::vector<std::int32_t>, Error> list_counted_processes() {
  const auto directory = detail::open_counter_directory();
  if (!directory) return std::unexpected(directory.error());
  std::vector<std::int32_t> pids;
  for (const auto& name : detail::list_counter_files(directory->get())) {
    // Each once; a pid that was given again where the youngest process that has it stands.
    std::erase(pids, name.pid);
    pids.push_back(name.pid);
  }
  return pids;
}

std::expected<ProcessCounters, Error> read_counters(std::int32_t pid) {
  const auto directory = detail::open_counter_directory();
  if (!directory) return std::unexpected(directory.error());
  const auto names = files_of(directory->get(), pid);
  auto contexts = read_contexts(directory->get(), names);
  if (!contexts) return std::unexpected(contexts.error());
  if (contexts->empty()) return std::unexpected(no_counters(pid));
  const bool dead = detail::owner_is_dead(directory->get(), to_string(names.back()));
  return ProcessCounters{.pid = pid,
                         .alive = !dead,
                         .program = dead ? std::string{} : program_of(names.back()),
                         .contexts = std::move(*contexts)};
}

std::expected<std::vector<CounterValue>, Error> CounterBlock::read(std::int32_t pid) {
  auto process = read_counters(pid);
  if (!process) return std::unexpected(process.error());
  std::vector<CounterValue> sum;
  for (ContextCounters& context : process->contexts) add_up(sum, std::move(context.counters));
  return sum;
}

}  // namespace mapwire
