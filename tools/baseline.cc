#include "tools/baseline.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/cache_line_baseline.h"
#include "tools/memory_copy_baseline.h"
#include "tools/udp_latency_baseline.h"
#include "tools/udp_stream_baseline.h"

namespace mapwire::tools {
namespace {

constexpr std::size_t kReadRequestBytes = 1;  // a READ carries no payload there

std::unexpected<Error> no_baseline(std::string_view wire, std::string_view known) {
  return std::unexpected(Error::make(
      Code::kInvalidArgument, ErrorScope::kRequest,
      fmt::format("wire {} has no baseline, only {}; measure without --baseline", wire, known)));
}

std::unexpected<Error> too_long(std::size_t bytes) {
  return std::unexpected(Error::make(
      Code::kMessageTooLong, ErrorScope::kRequest,
      fmt::format("the baseline of wire udp sends a message as one datagram, of at most {} bytes, "
                  "and one of {} bytes is measured without",
                  kDatagramBytesMax, bytes)));
}

}  // namespace

double BandwidthBaseline::bytes_per_s() const {
  if (duration_ns_ == 0) return 0;
  return static_cast<double>(bytes_) / (static_cast<double>(duration_ns_) / 1e9);
}

std::expected<std::unique_ptr<LatencyBaseline>, Error> make_latency_baseline(
    const BaselineSubject& subject, int far_processor) {
  if (subject.wire == "shm") return std::make_unique<CacheLineBaseline>(far_processor);
  if (subject.wire != "udp") return no_baseline(subject.wire, "udp and shm");
  if (subject.bytes > kDatagramBytesMax) return too_long(subject.bytes);
  const bool read = subject.op == TestOp::kRead;
  return UdpLatencyBaseline::create(read ? kReadRequestBytes : subject.bytes, subject.bytes,
                                    far_processor);
}

std::expected<std::unique_ptr<BandwidthBaseline>, Error> make_bandwidth_baseline(
    const BaselineSubject& subject, int far_processor) {
  if (subject.wire == "shm") {
    return std::make_unique<MemoryCopyBaseline>(std::max<std::size_t>(subject.bytes, 1));
  }
  if (subject.wire != "udp") return no_baseline(subject.wire, "udp and shm");
  return UdpStreamBaseline::create(std::min(subject.bytes, subject.packet_bytes), far_processor);
}

}  // namespace mapwire::tools
