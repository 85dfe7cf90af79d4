#include "mapwire/endpoints/detail/choose_nic.h"

#include <cerrno>
#include <cstdio>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "mapwire/endpoints/detail/system_random.h"
#include "mapwire/nic_fw/fault_options.h"
#include "mapwire/nic_fw/fault_wire.h"
#include "mapwire/nic_fw/pcap_wire.h"
#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/trace_wire.h"
#include "mapwire/nic_fw/udp_wire.h"
#include "mapwire/runtime/clock.h"

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
  auto wire = nic_fw::make_udp_wire({.port = options.udp_port}, counters);
  if (wire && !options.pcap_file.empty()) {
    wire = with_capture(std::move(*wire), options.pcap_file, counters);
  }
  if (wire && !options.trace_file.empty()) wire = with_trace(std::move(*wire), options.trace_file);
  if (wire && !options.faults.empty()) {
    wire = std::make_unique<nic_fw::FaultWire>(std::move(*wire), *faults);
  }
  return wire;
}

}  // namespace

std::expected<ChosenNic, Error> choose_nic(const Options& options, CounterBlock* counters) {
  auto wire = make_wire(options, counters);
  if (!wire) return std::unexpected(wire.error());
  const nic_fw::SoftNicOptions nic_options{.seed =
                                               options.seed != 0 ? options.seed : system_random()};
  auto nic = nic_fw::make_soft_nic(nic_options, std::move(*wire), counters);
  if (!nic) return std::unexpected(nic.error());
  return ChosenNic{.nic = std::move(*nic), .reason = "the only NIC of this build"};
}

}  // namespace mapwire::detail
