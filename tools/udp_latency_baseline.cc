#include "tools/udp_latency_baseline.h"

#include <sys/socket.h>

#include <cerrno>

#include "tools/far_end.h"

namespace mapwire::tools {
namespace {

bool send(const LoopbackSocket& socket, const std::vector<std::byte>& bytes,
          const sockaddr_in& peer) {
  return sendto(socket.fd(), bytes.data(), bytes.size(), 0,
                reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) >= 0;
}

// One look. True: a datagram of `peer` was there; anybody on this host can send here.
bool receive(const LoopbackSocket& socket, std::vector<std::byte>& bytes, const sockaddr_in& peer) {
  sockaddr_in source{};
  socklen_t length = sizeof(source);
  return recvfrom(socket.fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&source),
                  &length) >= 0 &&
         same_address(source, peer);
}

}  // namespace

std::expected<std::unique_ptr<LatencyBaseline>, Error> UdpLatencyBaseline::create(
    std::size_t bytes_there, std::size_t bytes_back, int far_processor) {
  auto near = LoopbackSocket::open();
  if (!near) return std::unexpected(near.error());
  auto far = LoopbackSocket::open();
  if (!far) return std::unexpected(far.error());
  const std::vector<std::byte> there(bytes_there);
  const std::vector<std::byte> back(bytes_back);
  return std::unique_ptr<LatencyBaseline>{new UdpLatencyBaseline{
      {*std::move(near), there, back}, {*std::move(far), back, there}, far_processor}};
}

UdpLatencyBaseline::UdpLatencyBaseline(End near, End far, int far_processor)
    : near_{std::move(near)}, far_{std::move(far)}, far_processor_{far_processor} {}

std::expected<void, Error> UdpLatencyBaseline::measure(std::uint64_t duration_ns) {
  const auto far_end =
      start_far_end(far_processor_, [this](const std::stop_token& stop) { echo(stop); });
  if (!far_end) return std::unexpected(far_end.error());
  if (time_round_trips(duration_ns, [this] { return round_trip(); })) return {};
  return std::unexpected(os_errno_ == 0 ? far_end_silent(name())
                                        : socket_error(os_errno_, "sendto"));
}

bool UdpLatencyBaseline::round_trip() {
  if (!send(near_.socket, near_.outgoing, far_.socket.address())) {
    os_errno_ = errno;
    return false;
  }
  Patience patience;
  while (!receive(near_.socket, near_.incoming, far_.socket.address())) {
    if (patience.has_ended()) return false;
  }
  return true;
}

void UdpLatencyBaseline::echo(const std::stop_token& stop) {
  const sockaddr_in peer = near_.socket.address();
  while (true) {
    if (receive(far_.socket, far_.incoming, peer)) {
      send(far_.socket, far_.outgoing, peer);  // if it fails, the near end finds us silent
    } else if (stop.stop_requested()) {
      return;
    }
  }
}

}  // namespace mapwire::tools
