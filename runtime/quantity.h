// Durations, sizes and numbers as people write them. Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mapwire {

// "250us", "500ms", "2s", "10min", "1h": a decimal number and its unit, one of ns, us, ms, s, min
// and h, in nanoseconds. Nothing for any other text or more than 2^64-1 ns (584 years).
std::optional<std::uint64_t> parse_duration_ns(std::string_view text);

// The shortest text that parse_duration_ns() reads back as `duration_ns`.
std::string format_duration(std::uint64_t duration_ns);

// "100", "4K", "8M", "2G", "1T": a decimal number, with a power of 1024 as unit (in either case,
// with or without "iB"), in bytes. Nothing for any other text or more than 2^64-1 bytes.
std::optional<std::uint64_t> parse_size_bytes(std::string_view text);

// A decimal number and nothing else.
std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace mapwire
