#include "mapwire/endpoints/detail/rdma_errors.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace mapwire::detail {
namespace {

// Reasons of IBTA 12.6.7.2 that pass: nobody listens yet, or the peer has just ended an old
// connection of ours and takes the next.
constexpr std::uint16_t kInvalidServiceId = 8;
constexpr std::uint16_t kStaleConnection = 10;

Error make(Code code, std::string message) {
  return Error::make(code, ErrorScope::kRequest, std::move(message));
}

std::string name_of(const proto::UdpAddress& service) {
  return "rdma://" + proto::to_string(service);
}

}  // namespace

Error no_manager(std::string_view nic) {
  return make(Code::kNoUsableNic,
              fmt::format("rdma:// address: the NIC {} has no connection manager; use host:port "
                          "without rdma://",
                          nic));
}

Error connect_error(const CmEvent& event, const proto::UdpAddress& service) {
  if (event.kind == CmEventKind::kTimedOut) {
    return make(Code::kConnectTimeout,
                fmt::format("{}: nothing at UDP port 4791 of that address answered in time; check "
                            "that rdma_rxe or a soft NIC serves there and that the firewall lets "
                            "UDP 4791 pass both ways",
                            name_of(service)));
  }
  if (event.reject_reason == kInvalidServiceId) {
    return make(Code::kConnectionRefused,
                fmt::format("{}: nobody listens for rdma_cm connections at this port; start the "
                            "peer, or check the port",
                            name_of(service)));
  }
  if (event.reject_reason == kStaleConnection) {
    return make(Code::kConnectionRefused,
                fmt::format("{}: the peer held an old connection of this queue pair; try again",
                            name_of(service)));
  }
  return make(Code::kPeerRefused,
              fmt::format("{}: the peer refused the connection (reason {} of the connection "
                          "manager); look at its log",
                          name_of(service), event.reject_reason));
}

Error ended_in_set_up(const proto::UdpAddress& service) {
  return make(
      Code::kEndpointClosed,
      fmt::format("{}: the endpoint ended during its set-up; connect again", name_of(service)));
}

Error private_data_too_long(std::size_t bytes) {
  return make(Code::kBadOption,
              fmt::format("endpoint option private_data: {} bytes are more than the {} that an "
                          "rdma:// listener can answer with; send the rest in a message",
                          bytes, kCmReplyPrivateBytes));
}

std::expected<void, Error> check_path_mtu(std::uint32_t path_mtu, std::uint32_t max) {
  if (path_mtu <= max) return {};
  return std::unexpected(make(
      Code::kMtuMismatch,
      fmt::format("path MTU {}: who connects wants it, or its RDMA device knows no other, and the "
                  "route or the endpoint's options allow at most {}; lower the MTU of the device's "
                  "interface to fit that, or raise the endpoint's path_mtu",
                  path_mtu, max)));
}

Error backlog_full(const proto::UdpAddress& service) {
  return make(Code::kLimitReached,
              fmt::format("{}: closed, or too many connections wait to be accepted; try later",
                          name_of(service)));
}

Error disconnected(const proto::UdpAddress& peer) {
  return Error::make(
      Code::kPeerClosed, ErrorScope::kEndpoint,
      fmt::format("peer {}: closed the connection; connect again", proto::to_string(peer.ip)));
}

}  // namespace mapwire::detail
