#include "mapwire/nic_fw/sim_wire.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string_view>

namespace mapwire::nic_fw {
namespace {

class SimWire final : public Wire {
 public:
  SimWire(SimNetwork& network, SimLinkId egress, const SimWireOptions& options)
      : network_{network}, egress_{egress}, inbox_{network.add_inbox()}, options_{options} {}

  std::string_view name() const override { return "sim"; }

  std::expected<proto::UdpAddress, Error> open(const proto::IpAddress& local) override {
    return bind({.ip = local, .port = options_.port});
  }
  std::expected<proto::UdpAddress, Error> open_roce_port(const proto::IpAddress& local) override {
    return bind({.ip = local, .port = proto::kRocePort});
  }

  std::expected<std::size_t, Error> payload_bytes_max(const proto::IpAddress&,
                                                      const proto::IpAddress&) override {
    return options_.payload_bytes_max;
  }

  std::size_t send(std::span<const WirePacket> packets, std::uint64_t now_ns) override {
    for (const WirePacket& packet : packets) {
      // A route with a smaller MTU swallows the packet, as DF demands.
      if (packet.bytes.size() <= options_.payload_bytes_max) network_.send(egress_, packet, now_ns);
    }
    return packets.size();
  }

  std::size_t receive(std::span<WirePacket> packets, std::uint64_t now_ns) override {
    return network_.receive(inbox_, packets, now_ns);
  }

  int event_fd() const override { return -1; }
  std::uint64_t next_deadline_ns() const override { return network_.next_arrival_ns(inbox_); }

 private:
  std::expected<proto::UdpAddress, Error> bind(const proto::UdpAddress& address) {
    if (auto bound = network_.bind(address, inbox_); !bound) return std::unexpected(bound.error());
    return address;
  }

  SimNetwork& network_;
  SimLinkId egress_;
  SimInboxId inbox_;
  SimWireOptions options_;
};

}  // namespace

std::unique_ptr<Wire> make_sim_wire(SimNetwork& network, SimLinkId egress,
                                    const SimWireOptions& options) {
  return std::make_unique<SimWire>(network, egress, options);
}

}  // namespace mapwire::nic_fw
