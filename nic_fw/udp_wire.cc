#include "mapwire/nic_fw/udp_wire.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "mapwire/nic_fw/route_mtu.h"
#include "mapwire/nic_fw/udp_counters.h"
#include "mapwire/nic_fw/udp_receiver.h"
#include "mapwire/nic_fw/udp_sender.h"
#include "mapwire/nic_fw/udp_socket.h"
#include "mapwire/proto/headers.h"
#include "mapwire/runtime/socket_address.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire::nic_fw {
namespace {

// One socket per local address in use, and one more where other makes are peers. Each is asked at
// every receive(), so more would be slow before they are too many.
constexpr std::size_t kSocketsMax = 64;

class UdpWire final : public Wire {
 public:
  UdpWire(const UdpWireOptions& options, UniqueFd epoll, const UdpCounters& counters)
      : options_{options}, epoll_{std::move(epoll)}, counters_{counters} {}

  std::string_view name() const override { return "udp"; }
  std::expected<proto::UdpAddress, Error> open(const proto::IpAddress& local) override {
    return open(local, options_.port);
  }
  std::expected<proto::UdpAddress, Error> open_roce_port(const proto::IpAddress& local) override {
    return open(local, proto::kRocePort);
  }
  std::expected<std::size_t, Error> payload_bytes_max(const proto::IpAddress& local,
                                                      const proto::IpAddress& remote) override {
    return route_payload_bytes_max(local, remote);
  }
  std::size_t send(std::span<const WirePacket> packets, std::uint64_t now_ns) override;
  std::size_t receive(std::span<WirePacket> packets, std::uint64_t now_ns) override;
  int event_fd() const override { return epoll_.get(); }
  // What was received and not handed out does not make a socket readable.
  std::uint64_t next_deadline_ns() const override {
    return receiver_.holds_packets() ? 0 : std::numeric_limits<std::uint64_t>::max();
  }

 private:
  std::expected<proto::UdpAddress, Error> open(const proto::IpAddress& wanted, std::uint16_t port);
  template <class Predicate>
  UdpSocket* find_if(Predicate matches);
  std::expected<proto::UdpAddress, Error> add(UdpSocket socket);
  std::size_t send_run(std::span<const WirePacket> run);

  UdpWireOptions options_;
  UniqueFd epoll_;
  UdpCounters counters_;
  UdpSender sender_{counters_};
  UdpReceiver receiver_{counters_};
  std::vector<UdpSocket> sockets_;
  std::size_t first_to_receive_ = 0;  // turns, so that a busy socket does not starve the others
};

template <class Predicate>
UdpSocket* UdpWire::find_if(Predicate matches) {
  const auto socket = std::ranges::find_if(sockets_, matches, &UdpSocket::address);
  return socket == sockets_.end() ? nullptr : &*socket;
}

std::expected<proto::UdpAddress, Error> UdpWire::open(const proto::IpAddress& wanted,
                                                      std::uint16_t port) {
  proto::IpAddress local = wanted;
  if (!is_link_local(local)) local.scope_id = 0;  // it has no meaning there, and is compared
  const UdpSocket* open_already = find_if([&](const proto::UdpAddress& address) {
    // Any port will do where any was asked for, but not the one that is kept for other makes.
    const bool suits = port == 0 ? address.port != proto::kRocePort : address.port == port;
    return address.ip == local && suits;
  });
  if (open_already != nullptr) return open_already->address();
  if (sockets_.size() == kSocketsMax) {
    return std::unexpected(
        Error::make(Code::kLimitReached, ErrorScope::kDevice,
                    fmt::format("local address {}: {} others are in use, which is the limit; use "
                                "fewer local addresses",
                                to_string(local), kSocketsMax)));
  }
  auto socket = UdpSocket::open(
      local, {.port = port, .segments = options_.segments, .merges = options_.merges});
  if (!socket) return std::unexpected(std::move(socket.error()));
  return add(std::move(*socket));
}

std::expected<proto::UdpAddress, Error> UdpWire::add(UdpSocket socket) {
  epoll_event interest{.events = EPOLLIN, .data = {.fd = socket.fd()}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.fd(), &interest) != 0) {
    return std::unexpected(Error::from_errno(
        Code::kSystemCall, ErrorScope::kDevice, errno, "epoll of " + to_string(socket.address()),
        "check fs.epoll.max_user_watches and the free memory"));
  }
  counters_.receive_buffer_bytes.add(socket.receive_buffer_bytes());
  counters_.send_buffer_bytes.add(socket.send_buffer_bytes());
  sockets_.push_back(std::move(socket));
  return sockets_.back().address();
}

std::size_t UdpWire::send(std::span<const WirePacket> packets, std::uint64_t /*now_ns*/) {
  std::size_t taken = 0;
  while (taken < packets.size()) {
    const auto rest = packets.subspan(taken);
    const std::size_t limit = std::min(rest.size(), UdpSender::kBatchPackets);
    std::size_t length = 1;
    while (length < limit && rest[length].flow.source == rest[0].flow.source) ++length;
    const std::size_t sent = send_run(rest.first(length));
    taken += sent;
    if (sent < length) break;
  }
  return taken;
}

std::size_t UdpWire::send_run(std::span<const WirePacket> run) {
  UdpSocket* socket =
      find_if([&](const proto::UdpAddress& address) { return address == run.front().flow.source; });
  if (socket == nullptr) {
    counters_.send_refused.add(run.size());
    return run.size();
  }
  return sender_.send(*socket, run);
}

std::size_t UdpWire::receive(std::span<WirePacket> packets, std::uint64_t /*now_ns*/) {
  // Alone, so that the next call starts with the first buffers, which are still in the cache.
  if (const std::size_t left = receiver_.begin(packets); left > 0) return left;
  std::size_t count = 0;
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    const UdpSocket& socket = sockets_[(first_to_receive_ + i) % sockets_.size()];
    count += receiver_.receive(socket, packets.subspan(count));
  }
  ++first_to_receive_;
  return count;
}

}  // namespace

std::expected<std::unique_ptr<Wire>, Error> make_udp_wire(const UdpWireOptions& options,
                                                          CounterBlock* counters) {
  UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll) {
    return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kDevice, errno,
                                             "epoll of the UDP wire",
                                             "check the limit of open files (ulimit -n)"));
  }
  return std::make_unique<UdpWire>(options, std::move(epoll), UdpCounters::in(counters));
}

}  // namespace mapwire::nic_fw
