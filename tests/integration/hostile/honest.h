// What the survivor and its companion have in common.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mapwire/proto/code.h"
#include "tests/test_program.h"

namespace mapwire::hostile {

inline constexpr std::byte kCompanion{1};  // private data of the companion's connections
inline constexpr std::size_t kMessageBytesMax = 1 << 20;
inline constexpr std::uint64_t kNapNs = 5'000'000;

// Set by SIGTERM, once end_when_told() was called.
inline volatile std::sig_atomic_t told_to_end = 0;
inline void end_when_told() {
  std::signal(SIGTERM, [](int) { told_to_end = 1; });
}

inline void expect_ok(Code code, std::string_view what) {
  if (code != Code::kOk) fail(std::string{what} + ": " + std::string{name(code)});
}

}  // namespace mapwire::hostile
