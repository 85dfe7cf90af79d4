// The communication manager of the soft NIC (IBTA 1.4, chapter 12): MADs, calls and now_ns go in;
// MADs and events come out. No I/O, no clock; randomness as it is given, so a run can be replayed.
//
// What it does about strangers: a request for no listener's service is refused without being
// remembered; others wait for the application, at most requests_max at a time.
//
// Threads: owned by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

#include "mapwire/nic_fw/cm_counters.h"
#include "mapwire/nic_fw/random_source.h"
#include "mapwire/proto/address.h"
#include "mapwire/proto/cm_mad.h"
#include "mapwire/runtime/connection_manager.h"
#include "mapwire/runtime/error.h"

namespace mapwire::nic_fw {

struct CmOptions {
  std::uint32_t connections_max = 1024;     // in any state; ended ones make room for new ones
  std::uint32_t requests_max = 64;          // of peers, not yet established
  std::uint32_t requests_of_peer_max = 16;  // of them from one address
  std::uint32_t listeners_max = 64;
  std::uint32_t read_atomic_max = 32;  // READs and atomics that a queue pair serves at once
  RandomSource random = nullptr;       // of comm IDs, transaction IDs and the GUID; must be set
};

// Where a MAD comes from and goes to, as IP addresses of the two ports.
struct CmPath {
  proto::IpAddress local;
  proto::IpAddress remote;
  friend bool operator==(const CmPath&, const CmPath&) = default;
};

struct CmDatagram {
  CmPath path;
  proto::RawBytes<proto::kMadBytes> mad{};
};

class CmEngine {
 public:
  CmEngine(const CmOptions& options, const CmCounters& counters);
  CmEngine(const CmEngine&) = delete;
  CmEngine& operator=(const CmEngine&) = delete;
  ~CmEngine();

  // As in ConnectionManager, whose errors about ports and addresses are not this class's business.
  std::expected<void, Error> listen(const proto::UdpAddress& service);
  void stop_listening(const proto::UdpAddress& service);
  std::expected<CmId, Error> connect(const CmConnect& request, std::uint64_t now_ns);
  std::expected<void, Error> accept(CmId id, const CmAccept& answer, std::uint64_t now_ns);
  void reject(CmId id, CmRefusal reason, std::uint64_t now_ns);
  void establish(CmId id, std::uint64_t now_ns);
  void disconnect(CmId id, std::uint64_t now_ns);
  bool disconnecting() const;
  std::size_t poll_events(std::span<CmEvent> events);
  bool has_events() const;

  // A MAD arrived: any bytes from anyone. `bytes` is not kept.
  void on_mad(const CmPath& path, std::span<const std::byte> bytes, std::uint64_t now_ns);

  // Runs the timers that are due. Each repeats its message once however late the call comes.
  void on_time(std::uint64_t now_ns);
  // When on_time() is next to be called; UINT64_MAX if no timer runs.
  std::uint64_t next_deadline_ns() const;

  // Moves up to datagrams.size() MADs out, oldest first; returns their number. The network may lose
  // them.
  std::size_t take_datagrams(std::span<CmDatagram> datagrams);
  bool has_datagrams() const;

  // Whether it listens or remembers a connection.
  bool in_use() const;
  // Connections that are remembered, in whatever state.
  std::size_t connections() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mapwire::nic_fw
