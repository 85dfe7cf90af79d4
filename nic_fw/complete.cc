#include "mapwire/nic_fw/complete.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "mapwire/nic_fw/check_descriptor.h"

namespace mapwire::nic_fw {

void complete_send(EngineCore& core, QueuePair& qp, Code status) {
  const WorkRequest& request = qp.requester.at(qp.requester.head);
  core.completions.push({.cookie = request.descriptor.cookie,
                         .qpn = qp.qpn,
                         .immediate = 0,
                         .bytes = status == Code::kOk ? request.bytes : 0,
                         .status = std::to_underlying(status),
                         .opcode = completion_opcode(request.descriptor),
                         .flags = 0,
                         .reserved = 0});
  ++qp.requester.head;
}

void complete_receive(EngineCore& core, QueuePair& qp, proto::WorkOpcode opcode, Code status,
                      std::uint64_t bytes, std::optional<std::uint32_t> immediate) {
  core.completions.push({.cookie = qp.responder.receive->cookie,
                         .qpn = qp.qpn,
                         .immediate = immediate.value_or(0),
                         .bytes = status == Code::kOk ? bytes : 0,
                         .status = std::to_underlying(status),
                         .opcode = opcode,
                         .flags = immediate ? proto::kFlagImmediate : std::uint8_t{0},
                         .reserved = 0});
  qp.responder.receive.reset();
}

}  // namespace mapwire::nic_fw
