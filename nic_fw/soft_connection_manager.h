// The communication manager of the soft NIC on its wire: queue pair 1 of each local address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "mapwire/nic_fw/cm_engine.h"
#include "mapwire/nic_fw/wire.h"
#include "mapwire/runtime/connection_manager.h"
#include "mapwire/runtime/error.h"

namespace mapwire::nic_fw {

// Threads: those of the NIC.
class SoftConnectionManager final : public ConnectionManager {
 public:
  // `wire` outlives it.
  SoftConnectionManager(Wire& wire, const CmOptions& options, const CmCounters& counters)
      : wire_{wire}, counters_{counters}, engine_{options, counters} {}

  std::expected<void, Error> listen(const proto::UdpAddress& service) override;
  void stop_listening(const proto::UdpAddress& service) override {
    engine_.stop_listening(service);
  }
  std::expected<CmId, Error> connect(const CmConnect& request, std::uint64_t now_ns) override;
  std::expected<void, Error> accept(CmId id, const CmAccept& answer, std::uint64_t now_ns) override;
  void reject(CmId id, CmRefusal reason, std::uint64_t now_ns) override;
  void establish(CmId id, std::uint64_t now_ns) override;
  void disconnect(CmId id, std::uint64_t now_ns) override;
  bool disconnecting() const override { return engine_.disconnecting(); }
  std::size_t poll_events(std::span<CmEvent> events) override {
    return engine_.poll_events(events);
  }

  bool has_events() const { return engine_.has_events(); }
  // Whether packets may come for it: it listens, or remembers a connection.
  bool in_use() const { return engine_.in_use(); }

  // A packet for queue pair 1 came in.
  void on_packet(const WirePacket& packet, std::uint64_t now_ns);
  // Runs the timers that are due and sends what there is.
  void progress(std::uint64_t now_ns);
  std::uint64_t next_deadline_ns() const { return engine_.next_deadline_ns(); }

 private:
  void transmit(std::uint64_t now_ns);

  Wire& wire_;
  CmCounters counters_;
  CmEngine engine_;
  std::uint32_t next_psn_ = 0;  // a datagram's says nothing, but every packet has one
};

}  // namespace mapwire::nic_fw
