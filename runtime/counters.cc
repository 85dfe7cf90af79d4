#include "mapwire/runtime/counters.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "mapwire/proto/counter_layout.h"
#include "mapwire/runtime/barrier.h"
#include "mapwire/runtime/detail/counter_directory.h"

namespace mapwire {
namespace {

// A crash loop must not fill /dev/shm, yet the last few dead are what one wants to read.
constexpr std::size_t kDeadFilesKept = 16;
// One per context, and few processes have more than one.
constexpr std::uint32_t kBlocksPerProcessMax = 256;

std::unexpected<Error> failure(int os_errno) {
  const bool full = os_errno == ENOSPC || os_errno == ENOMEM;
  return std::unexpected(Error::from_errno(full ? Code::kOutOfMemory : Code::kSystemCall,
                                           ErrorScope::kProcess, os_errno,
                                           "counter file in " + detail::counter_directory_path(),
                                           "free space in /dev/shm and check its permissions"));
}

// Gives the nameless `file` the first name that is free.
std::expected<std::string, Error> link_into(int directory, int file, detail::CounterFileName name) {
  const std::string source = fmt::format("/proc/self/fd/{}", file);
  for (; name.sequence < kBlocksPerProcessMax; ++name.sequence) {
    std::string target = to_string(name);
    if (linkat(AT_FDCWD, source.c_str(), directory, target.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      return target;
    }
    if (errno != EEXIST) return failure(errno);
  }
  return std::unexpected(
      Error::make(Code::kLimitReached, ErrorScope::kProcess,
                  fmt::format("process {} has {} counter blocks already; destroy contexts that are "
                              "not used",
                              name.pid, kBlocksPerProcessMax)));
}

// Makes a file without a name, locked by its owner.
std::expected<UniqueFd, Error> make_file(int directory) {
  UniqueFd file{openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  if (!file || flock(file.get(), LOCK_EX | LOCK_NB) != 0) return failure(errno);
  // Reserves the pages, so that a full /dev/shm is found here and not by SIGBUS later.
  const int error = posix_fallocate(file.get(), 0, sizeof(proto::CounterFile));
  if (error != 0) return failure(error);
  return file;
}

}  // namespace

struct CounterBlock::State {
  State(UniqueFd directory_fd, UniqueFd file_fd, void* memory)
      : directory{std::move(directory_fd)},
        file{std::move(file_fd)},
        shared{static_cast<proto::CounterFile*>(memory)} {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    munmap(shared, sizeof(proto::CounterFile));
    // A child of fork has a copy of this object, but the file stays its parent's.
    if (!name.empty() && getpid() == owner) unlinkat(directory.get(), name.c_str(), 0);
  }

  void format() {
    proto::CounterHeader& header = shared->header;
    header.magic = proto::kCounterMagic;
    header.version = proto::kCounterVersion;
    header.pid = owner;
    header.process_start = detail::own_process_start();
    refused = add("counters.refused");
  }

  detail::CounterFileName file_name() const {
    return {.process_start = shared->header.process_start, .pid = owner, .sequence = 0};
  }

  Counter add(std::string_view counter_name) {
    proto::CounterCell& cell = shared->cells[count];
    std::ranges::copy(counter_name, cell.name.begin());
    ++count;
    publish_to_peer(shared->header.count, count);  // readers see the name before the count
    return Counter{&cell.value};
  }

  UniqueFd directory;
  UniqueFd file;  // locked while the owner lives
  std::string name;
  pid_t owner = getpid();
  proto::CounterFile* shared;
  std::uint32_t count = 0;  // the shared word is only ever written from it
  Counter refused;
};

CounterBlock::CounterBlock(std::unique_ptr<State> state) : state_{std::move(state)} {}
CounterBlock::~CounterBlock() = default;

std::expected<std::unique_ptr<CounterBlock>, Error> CounterBlock::create() {
  auto directory = detail::open_counter_directory();
  if (!directory) return std::unexpected(directory.error());
  detail::remove_dead_counter_files(directory->get(), kDeadFilesKept);
  auto file = make_file(directory->get());
  if (!file) return std::unexpected(file.error());
  void* memory =
      mmap(nullptr, sizeof(proto::CounterFile), PROT_READ | PROT_WRITE, MAP_SHARED, file->get(), 0);
  if (memory == MAP_FAILED) return failure(errno);

  auto state = std::make_unique<State>(std::move(*directory), std::move(*file), memory);
  state->format();
  // The file gets its name last: nobody ever sees one that is half written or not locked.
  auto name = link_into(state->directory.get(), state->file.get(), state->file_name());
  if (!name) return std::unexpected(name.error());
  state->name = std::move(*name);
  return std::unique_ptr<CounterBlock>{new CounterBlock{std::move(state)}};
}

Counter CounterBlock::counter(std::string_view name) {
  const auto used = std::span{state_->shared->cells}.first(state_->count);
  for (proto::CounterCell& cell : used) {
    if (std::string_view{cell.name.data()} == name) return Counter{&cell.value};
  }
  if (!proto::is_counter_name(name) || state_->count == proto::kCountersMax) {
    state_->refused.add();
    return {};
  }
  return state_->add(name);
}

}  // namespace mapwire
