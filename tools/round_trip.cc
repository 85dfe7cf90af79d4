#include "tools/round_trip.h"

#include "tools/memory_round_trip.h"
#include "tools/message_round_trip.h"
#include "tools/one_sided_round_trip.h"

namespace mapwire::tools {

std::unique_ptr<RoundTrip> make_round_trip(const TestResources& resources) {
  switch (resources.op) {
    case TestOp::kSend:
    case TestOp::kSendImmediate:
    case TestOp::kWriteImmediate: return std::make_unique<MessageRoundTrip>(resources);
    case TestOp::kPut:
    case TestOp::kWrite: return std::make_unique<MemoryRoundTrip>(resources);
    case TestOp::kRead: return std::make_unique<ReadRoundTrip>(resources);
    case TestOp::kCompareSwap:
    case TestOp::kFetchAdd: return std::make_unique<AtomicRoundTrip>(resources);
  }
  return nullptr;
}

std::unique_ptr<Responder> make_latency_responder(const TestResources& resources) {
  switch (resources.op) {
    case TestOp::kSend:
    case TestOp::kSendImmediate:
    case TestOp::kWriteImmediate: return std::make_unique<MessageResponder>(resources);
    case TestOp::kPut:
    case TestOp::kWrite: return std::make_unique<MemoryResponder>(resources);
    case TestOp::kRead:
    case TestOp::kCompareSwap:
    case TestOp::kFetchAdd: return std::make_unique<OneSidedResponder>(resources);
  }
  return nullptr;
}

}  // namespace mapwire::tools
