#include "mapwire/nic_fw/engine.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <utility>

namespace mapwire::nic_fw {
namespace {

Error unfinished() {
  return Error::make(Code::kLimitReached, ErrorScope::kDevice,
                     "the engine is not written yet; wait for it");
}

}  // namespace

struct Engine::State {};

Engine::Engine(const EngineOptions&, RingProducer<proto::CompletionEntry>, EngineCounters&)
    : state_{std::make_unique<State>()} {}
Engine::~Engine() = default;

std::expected<QueuePairAddress, Error> Engine::open_queue_pair(const QueuePairOptions&,
                                                               const proto::UdpAddress&,
                                                               QueuePairRings) {
  return std::unexpected(unfinished());
}
std::expected<void, Error> Engine::connect_queue_pair(Qpn, const QueuePairPeer&, std::uint64_t) {
  return std::unexpected(unfinished());
}
void Engine::flush_queue_pair(Qpn, Code) {}
void Engine::close_queue_pair(Qpn) {}
std::expected<MemoryKeys, Error> Engine::register_memory(std::span<std::byte>, Access,
                                                         std::uint32_t) {
  return std::unexpected(unfinished());
}
void Engine::deregister_memory(std::uint32_t) {}
void Engine::on_send_doorbell(Qpn, std::uint64_t) {}
void Engine::on_receive_doorbell(Qpn, std::uint64_t) {}
void Engine::on_packet(const proto::Flow&, std::span<const std::byte>, std::uint64_t) {}
void Engine::on_time(std::uint64_t) {}
std::size_t Engine::transmit(std::span<TransmitSlot>, bool, std::uint64_t) { return 0; }
bool Engine::has_output(bool) const { return false; }
std::uint64_t Engine::next_deadline_ns() const { return UINT64_MAX; }
std::size_t Engine::poll_async(std::span<AsyncEvent>) { return 0; }

}  // namespace mapwire::nic_fw
