// What the probes of set-up are sent from and received into. Nobody looks at their bytes, so that
// all endpoints of a context share it.
//
// Threads: guarded by the context's lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>

#include "mapwire/endpoints/detail/nic_memory.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/proto/headers.h"
#include "mapwire/proto/packet.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

class ProbeMemory {
 public:
  // Before the others; makes it at the first call. It stays registered as long as the NIC lives,
  // which is to touch it no more when this goes. Errors: those of
  // NicMemory::register_memory.
  std::expected<void, Error> prepare(NicMemory& memory);

  // Elements of at most kPathMtuMax bytes.
  proto::Sge sent(std::uint32_t bytes) const { return element(memory_->sent, bytes); }
  proto::Sge received(std::uint32_t bytes) const { return element(memory_->received, bytes); }

 private:
  using Message = std::array<std::byte, proto::kPathMtuMax>;
  struct Memory {
    Message sent{};
    Message received{};
  };

  proto::Sge element(const Message& message, std::uint32_t bytes) const {
    return {
        .address = reinterpret_cast<std::uint64_t>(message.data()), .bytes = bytes, .lkey = lkey_};
  }

  std::unique_ptr<Memory> memory_;
  std::uint32_t lkey_ = proto::kSteadyMemoryLkey;
};

}  // namespace mapwire::detail
