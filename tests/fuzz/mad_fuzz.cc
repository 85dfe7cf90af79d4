// MADs of the communication manager: what is accepted survives writing and reading again, and so
// does the header in front of a REQ's private data.
#include "mapwire/proto/cm_mad.h"
#include "mapwire/proto/cma_header.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  const std::span bytes{reinterpret_cast<const std::byte*>(data), size};
  const auto mad = proto::parse_cm_mad(bytes);
  if (!mad) return 0;
  fuzz::require(proto::parse_cm_mad(proto::write_cm_mad(*mad)) == mad, "a MAD survives");
  const auto* req = std::get_if<proto::CmReq>(&mad->message);
  if (req == nullptr) return 0;
  const auto header = proto::decode(proto::load<proto::CmaHeaderWire>(req->private_data));
  if (header) fuzz::require(proto::decode(proto::encode(*header)) == header, "a header survives");
  return 0;
}
