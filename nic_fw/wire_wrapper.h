// The base of wires that wrap another wire: everything passes through unless a wrapper overrides
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "mapwire/nic_fw/wire.h"

namespace mapwire::nic_fw {

// Threads: as Wire.
class WireWrapper : public Wire {
 public:
  explicit WireWrapper(std::unique_ptr<Wire> inner) : inner_{std::move(inner)} {}

  std::string_view name() const override { return inner_->name(); }
  std::expected<proto::UdpAddress, Error> open(const proto::IpAddress& local) override {
    return inner_->open(local);
  }
  std::expected<proto::UdpAddress, Error> open_roce_port(const proto::IpAddress& local) override {
    return inner_->open_roce_port(local);
  }
  std::expected<std::size_t, Error> payload_bytes_max(const proto::IpAddress& local,
                                                      const proto::IpAddress& remote) override {
    return inner_->payload_bytes_max(local, remote);
  }
  std::size_t send(std::span<const WirePacket> packets, std::uint64_t now_ns) override {
    return inner_->send(packets, now_ns);
  }
  std::size_t receive(std::span<WirePacket> packets, std::uint64_t now_ns) override {
    return inner_->receive(packets, now_ns);
  }
  int event_fd() const override { return inner_->event_fd(); }
  std::uint64_t next_deadline_ns() const override { return inner_->next_deadline_ns(); }

 protected:
  Wire& inner() { return *inner_; }
  const Wire& inner() const { return *inner_; }

 private:
  std::unique_ptr<Wire> inner_;
};

}  // namespace mapwire::nic_fw
