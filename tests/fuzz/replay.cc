// Runs a fuzz target on files, and on all files of folders, without a fuzzer.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace {

void replay(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  const std::vector<char> bytes{std::istreambuf_iterator<char>{file}, {}};
  std::fprintf(stderr, "%s\n", path.c_str());
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

// How many files that were.
int replay_all(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) {
    replay(path);
    return 1;
  }
  int replayed = 0;
  for (const auto& entry : std::filesystem::directory_iterator{path}) {
    replay(entry.path());
    ++replayed;
  }
  return replayed;
}

}  // namespace

int main(int argc, char** argv) {
  int replayed = 0;
  try {
    for (int i = 1; i < argc; ++i) replayed += replay_all(argv[i]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay: %s\n", error.what());
    return 1;
  }
  // A folder that moved must not look like a success.
  return replayed > 0 ? 0 : 1;
}
