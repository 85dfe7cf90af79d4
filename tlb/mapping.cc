#include "mapwire/tlb/mapping.h"

#include <sys/mman.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

namespace mapwire::tlb {
namespace {

struct Mapping {
  Range range;
  bool readable = false;
  bool writable = false;
  bool anonymous_private = false;
  bool stack = false;
};

// Takes up to `separator` off the front.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

std::optional<std::uintptr_t> parse_hex(std::string_view text) {
  std::uintptr_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// proc_pid_maps(5): "begin-end perms offset major:minor inode   name".
std::optional<Mapping> parse_line(std::string_view line) {
  const auto begin = parse_hex(take_until(line, '-'));
  const auto end = parse_hex(take_until(line, ' '));
  const std::string_view rights = take_until(line, ' ');
  take_until(line, ' ');
  take_until(line, ' ');
  const std::string_view inode = take_until(line, ' ');
  if (!begin || !end || rights.size() < 4) return std::nullopt;
  return Mapping{.range = {.begin = *begin, .end = *end},
                 .readable = rights[0] == 'r',
                 .writable = rights[1] == 'w',
                 .anonymous_private = rights[3] == 'p' && inode == "0",
                 .stack = line.find("[stack") != std::string_view::npos};
}

// The mappings of the kernel itself look private and anonymous, but can not be written.
bool allows(const Mapping& mapping, bool writable) {
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage)
  const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const bool own_stack = mapping.range.begin <= frame && frame < mapping.range.end;
  return mapping.anonymous_private && !mapping.stack && !own_stack && mapping.readable &&
         (mapping.writable || !writable);
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct Free {
  void operator()(char* text) const { std::free(text); }  // NOLINT(cppcoreguidelines-no-malloc)
};

// The lines of /proc/self/maps, in ascending order of addresses.
class Lines {
 public:
  std::optional<Mapping> next() {
    if (!file_) return std::nullopt;
    char* line = line_.release();
    const ssize_t length = ::getline(&line, &room_, file_.get());
    line_.reset(line);
    if (length <= 0) return std::nullopt;
    return parse_line({line, static_cast<std::size_t>(length) - 1});
  }

 private:
  std::unique_ptr<std::FILE, CloseFile> file_{std::fopen("/proc/self/maps", "re")};
  std::unique_ptr<char, Free> line_;
  std::size_t room_ = 0;
};

}  // namespace

// A mapping of which a part is watched already is several here.
std::optional<Range> keepable_mapping(const Range& range, bool writable) {
  Lines lines;
  Range whole{.begin = 0, .end = range.begin};
  while (const auto mapping = lines.next()) {
    if (mapping->range.end <= whole.end) continue;
    if (mapping->range.begin > whole.end || !allows(*mapping, writable)) return std::nullopt;
    if (whole.begin == 0) whole.begin = mapping->range.begin;
    whole.end = mapping->range.end;
    if (whole.end >= range.end) return whole;
  }
  return std::nullopt;
}

// As the kernel knows its mappings; nothing is written back of memory that is no file's.
bool is_mapped(const Range& range) {
  return ::msync(range.memory().data(), range.bytes(), MS_ASYNC) == 0;
}

}  // namespace mapwire::tlb
