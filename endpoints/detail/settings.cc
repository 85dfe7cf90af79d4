#include "mapwire/endpoints/detail/settings.h"

#include <fmt/format.h>

#include <asio/ip/address.hpp>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mapwire/endpoints/detail/asio_address.h"
#include "mapwire/proto/packet.h"

namespace mapwire::detail {
namespace {

constexpr std::uint32_t kEntriesMin = 2;  // the two probes of set-up need as many
constexpr std::uint32_t kEntriesMax = 4096;
constexpr std::uint64_t kDeadlineMinNs = 1'000'000;          // a tick of the keep-alives is a fifth
constexpr std::uint64_t kDeadlineMaxNs = 3'600'000'000'000;  // an hour
constexpr std::uint64_t kSpinMaxNs = 1'000'000;              // as MAPWIRE_SPIN

bool power_of_two_within(std::uint32_t value, std::uint32_t min, std::uint32_t max) {
  return std::has_single_bit(value) && value >= min && value <= max;
}

std::unexpected<Error> bad(std::string_view option, std::uint64_t value, std::string_view range) {
  return std::unexpected(Error::make(
      Code::kBadOption, ErrorScope::kRequest,
      fmt::format("endpoint option {}: {} is not {}; choose one that is", option, value, range)));
}

std::unexpected<Error> bad_spin(std::uint64_t ns) {
  return std::unexpected(
      Error::make(Code::kBadOption, ErrorScope::kRequest,
                  fmt::format("context option spin_ns: {} is more than {}; choose at most that, or "
                              "poll if you want to spin for longer",
                              ns, kSpinMaxNs)));
}

// Nothing for an empty text.
std::expected<std::optional<proto::IpAddress>, Error> parse_local(const std::string& text) {
  if (text.empty()) return std::nullopt;
  asio::error_code failure;
  const auto address = asio::ip::make_address(text, failure);
  if (!failure) return to_ip(address);
  return std::unexpected(
      Error::make(Code::kBadOption, ErrorScope::kRequest,
                  fmt::format("context option local_address: \"{}\" is no numeric IP address; "
                              "choose one that `ip address` lists",
                              text.substr(0, 64))));
}

}  // namespace

std::expected<Settings, Error> make_settings(const ContextOptions& context) {
  auto options = Options::from_environment();
  if (!options) return std::unexpected(options.error());
  if (context.spin_ns && *context.spin_ns > kSpinMaxNs) return bad_spin(*context.spin_ns);
  const auto local = parse_local(context.local_address);
  if (!local) return std::unexpected(local.error());
  Settings settings{.threads = context.threads,
                    .progress = context.progress,
                    .options = std::move(*options),
                    .local = *local,
                    .address = context.address};
  if (settings.options.single_thread) settings.threads = Threads::kSingle;
  // A helper thread would be a second thread.
  if (settings.options.inline_progress || settings.threads == Threads::kSingle) {
    settings.progress = Progress::kInline;
  }
  if (context.nic) settings.options.nic = *context.nic;
  if (context.wire) settings.options.wire = *context.wire;
  if (context.spin_ns) settings.options.spin_ns = *context.spin_ns;
  if (!context.pcap_file.empty()) settings.options.pcap_file = context.pcap_file;
  if (!context.faults.empty()) settings.options.faults = context.faults;
  return settings;
}

std::expected<EndpointOptions, Error> complete(const EndpointOptions& endpoint,
                                               const Options& options) {
  EndpointOptions result = endpoint;
  if (result.deadline_ns == 0) result.deadline_ns = options.deadline_ns;
  if (result.path_mtu == 0) result.path_mtu = options.path_mtu;
  constexpr std::string_view kEntriesRange = "a power of two of 2..4096";
  if (!power_of_two_within(result.send_entries, kEntriesMin, kEntriesMax)) {
    return bad("send_entries", result.send_entries, kEntriesRange);
  }
  if (!power_of_two_within(result.receive_entries, kEntriesMin, kEntriesMax)) {
    return bad("receive_entries", result.receive_entries, kEntriesRange);
  }
  if (result.path_mtu != 0 && !proto::is_path_mtu(result.path_mtu)) {
    return bad("path_mtu", result.path_mtu, "0 or a power of two of 256..4096");
  }
  if (result.deadline_ns < kDeadlineMinNs || result.deadline_ns > kDeadlineMaxNs) {
    return bad("deadline_ns", result.deadline_ns, "between 1 ms and 1 h");
  }
  if (result.private_data.size() > kPrivateDataBytesMax) {
    return bad("private_data", result.private_data.size(), "at most 4096 bytes");
  }
  return result;
}

}  // namespace mapwire::detail
