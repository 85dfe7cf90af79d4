#include "mapwire/runtime/detail/process_stat.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <fmt/format.h>

namespace mapwire::detail {
namespace {

// proc(5) counts the fields of /proc/PID/stat from 1; the name in parentheses is the second.
constexpr int kFirstFieldAfterName = 3;
constexpr int kStartField = 22;

// The name is the process's own choice and goes to terminals.
std::string printable(std::string_view text) {
  std::string safe{text};
  std::ranges::replace_if(safe, [](char c) { return c < ' ' || c > '~'; }, '?');
  return safe;
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  // The name may itself hold blanks and parentheses.
  const auto name_begin = text.find('(');
  const auto name_end = text.rfind(')');
  if (name_begin == text.npos || name_end == text.npos || name_end < name_begin) {
    return std::nullopt;
  }
  ProcessStat stat{.program = printable(text.substr(name_begin + 1, name_end - name_begin - 1))};
  std::istringstream fields{std::string{text.substr(name_end + 1)}};
  std::string skipped;
  for (int field = kFirstFieldAfterName; field < kStartField; ++field) fields >> skipped;
  if (!(fields >> stat.start)) return std::nullopt;
  return stat;
}

std::optional<ProcessStat> read_process_stat(std::string_view process) {
  std::ifstream file{fmt::format("/proc/{}/stat", process)};
  return parse_process_stat(std::string{std::istreambuf_iterator<char>{file}, {}});
}

std::optional<uid_t> user_of_process(pid_t pid) {
  struct stat status{};
  if (::stat(fmt::format("/proc/{}", pid).c_str(), &status) != 0) return std::nullopt;
  return status.st_uid;
}

}  // namespace mapwire::detail
