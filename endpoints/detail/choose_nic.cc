#include "mapwire/endpoints/detail/choose_nic.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "mapwire/endpoints/detail/choose_device.h"
#include "mapwire/endpoints/detail/test_seam.h"
#include "mapwire/nic_fw/fault_options.h"
#include "mapwire/nic_fw/fault_wire.h"
#include "mapwire/nic_fw/pcap_wire.h"
#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/trace_wire.h"
#include "mapwire/nic_fw/udp_wire.h"
#include "mapwire/runtime/clock.h"
#include "mapwire/runtime/verbs/verbs_nic.h"

namespace mapwire::detail {
namespace {

using nic_fw::Wire;

std::expected<std::unique_ptr<Wire>, Error> with_capture(std::unique_ptr<Wire> wire,
                                                         const std::string& file,
                                                         CounterBlock* counters) {
  nic_fw::PcapOptions options{
      .file = file, .wall_offset_ns = wall_clock_offset_ns(), .failures = {}};
  if (counters != nullptr) options.failures = counters->counter("pcap.failures");
  return nic_fw::make_pcap_wire(std::move(wire), options);
}

std::expected<std::unique_ptr<Wire>, Error> with_trace(std::unique_ptr<Wire> wire,
                                                       const std::string& file) {
  const std::shared_ptr<std::FILE> out{std::fopen(file.c_str(), "we"), [](std::FILE* stream) {
                                         if (stream != nullptr) std::fclose(stream);
                                       }};
  if (out == nullptr) {
    return std::unexpected(Error::from_errno(Code::kBadFile, ErrorScope::kProcess, errno,
                                             "trace file " + file,
                                             "name a file that can be written"));
  }
  return nic_fw::make_trace_wire(std::move(wire), [out](std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), out.get());
    std::fputc('\n', out.get());
  });
}

// Faults stand nearest to the NIC: captures and traces show what is really on the wire.
std::expected<std::unique_ptr<Wire>, Error> make_wire(const Options& options,
                                                      CounterBlock* counters) {
  const auto faults = nic_fw::parse_fault_options(options.faults);
  if (!faults) return std::unexpected(faults.error());
  auto wire = nic_fw::make_udp_wire(
      {.port = options.udp_port, .segments = !options.udp_single, .merges = !options.udp_single},
      counters);
  if (wire && !options.pcap_file.empty()) {
    wire = with_capture(std::move(*wire), options.pcap_file, counters);
  }
  if (wire && !options.trace_file.empty()) wire = with_trace(std::move(*wire), options.trace_file);
  if (wire && !options.faults.empty()) {
    wire = std::make_unique<nic_fw::FaultWire>(std::move(*wire), *faults);
  }
  return wire;
}

// Faults, captures and traces are of packets.
bool wants_packets(const Options& options) {
  return !options.faults.empty() || !options.pcap_file.empty() || !options.trace_file.empty();
}

bool wants_shared_memory(const Options& options) {
  return options.wire == WireChoice::kShm ||
         (options.wire == WireChoice::kAuto && !wants_packets(options));
}

std::expected<ChosenNic, Error> make_soft(const Options& options, std::string reason,
                                          CounterBlock* counters) {
  if (options.wire == WireChoice::kShm && wants_packets(options)) {
    return std::unexpected(Error::make(
        Code::kBadOption, ErrorScope::kProcess,
        "wire shm: has no packets, which faults, captures and traces are of; leave them "
        "away, or take the wire udp (MAPWIRE_WIRE=udp)"));
  }
  auto wire = make_wire(options, counters);
  if (!wire) return std::unexpected(wire.error());
  auto nic =
      nic_fw::make_soft_nic({.seed = options.seed, .shared_memory = wants_shared_memory(options)},
                            std::move(*wire), counters);
  if (!nic) return std::unexpected(nic.error());
  return ChosenNic{.nic = std::move(*nic),
                   .reason = std::move(reason),
                   .shm_alone = options.wire == WireChoice::kShm};
}

std::expected<ChosenNic, Error> make_verbs(const DeviceChoice& choice) {
  auto nic = verbs::make_verbs_nic({.device = choice.device});
  if (!nic) return std::unexpected(nic.error());
  return ChosenNic{.nic = std::move(*nic), .reason = choice.reason};
}

std::expected<ChosenNic, Error> choose_verbs(const Settings& settings) {
  if (wants_packets(settings.options)) {
    return std::unexpected(
        Error::make(Code::kBadOption, ErrorScope::kProcess,
                    "verbs NIC: faults, captures and traces are of the soft NIC's wire; leave them "
                    "away, or use the soft NIC (MAPWIRE_NIC=soft)"));
  }
  if (settings.address.empty()) return make_verbs({.device = {}, .reason = "asked for"});
  auto choice = choose_device(settings.address);
  if (!choice) return std::unexpected(choice.error());
  if (!choice->device.empty()) return make_verbs(*choice);
  return std::unexpected(Error::make(
      Code::kNoUsableNic, ErrorScope::kProcess,
      fmt::format("verbs NIC for {}: {}; connect over an address of an RDMA device (`ibv_devinfo "
                  "-v`), or use the soft NIC (MAPWIRE_NIC=soft)",
                  settings.address, choice->reason)));
}

std::expected<ChosenNic, Error> choose_any(const Settings& settings, CounterBlock* counters) {
  if (wants_packets(settings.options)) {
    return make_soft(settings.options, "faults, captures and traces want its wire", counters);
  }
  if (settings.address.empty()) {
    return make_soft(settings.options, "no address to choose an RDMA device by", counters);
  }
  const auto choice = choose_device(settings.address);
  if (!choice) return make_soft(settings.options, choice.error().message, counters);
  if (choice->device.empty()) return make_soft(settings.options, choice->reason, counters);
  return make_verbs(*choice);
}

std::expected<ChosenNic, Error> choose(const Settings& settings, CounterBlock* counters) {
  switch (settings.options.nic) {
    case NicChoice::kSoft: return make_soft(settings.options, "asked for", counters);
    case NicChoice::kVerbs: return choose_verbs(settings);
    case NicChoice::kAuto: break;
  }
  return choose_any(settings, counters);
}

}  // namespace

std::expected<ChosenNic, Error> choose_nic(const Settings& settings, CounterBlock* counters) {
  auto chosen = choose(settings, counters);
  if (chosen && test_seam().wrap_nic) chosen->nic = test_seam().wrap_nic(std::move(chosen->nic));
  return chosen;
}

}  // namespace mapwire::detail
