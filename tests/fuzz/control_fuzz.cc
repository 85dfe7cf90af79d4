// The byte stream of a control link, from anybody: it gives the same messages however it is cut
// into pieces, and every message is judged without harm.
#include <algorithm>
#include <string>
#include <vector>

#include "mapwire/endpoints/detail/frame_parser.h"
#include "mapwire/endpoints/detail/hello.h"
#include "mapwire/endpoints/detail/set_up_messages.h"
#include "tests/fuzz/fuzz.h"

namespace mapwire {
namespace {

using proto::control::Message;

struct Parsed {
  std::vector<std::string> messages;  // as frames
  Code end = Code::kOk;
  friend bool operator==(const Parsed&, const Parsed&) = default;
};

void judge(const Message& message) {
  const proto::IpAddress remote{.family = proto::IpFamily::kV4, .bytes = {127, 0, 0, 1}};
  const detail::LinkAddresses ours{.local = {.ip = remote, .port = 1},
                                   .remote = {.ip = remote, .port = 2}};
  const NicAttributes nic{.name = "soft", .wire = "udp"};
  if (const auto hello = detail::check_hello(message, ours); !hello) {
    fuzz::require(!hello.error().message.empty(), "a refusal says why");
  }
  if (const auto offer = detail::read_request(message.connect_request(), nic, remote)) {
    fuzz::require(offer->address.udp.ip == remote, "packets go where the link comes from");
    fuzz::require(offer->address.qpn <= 0xff'ffff, "a QPN has 24 bits");
  }
  if (const auto offer = detail::read_reply(message.connect_reply(), nic, remote)) {
    fuzz::require(offer->address.udp.ip == remote, "packets go where the link comes from");
  }
}

Parsed parse(std::span<const std::byte> stream, std::size_t piece_bytes, std::size_t frame_bytes) {
  Parsed parsed;
  detail::FrameParser parser{frame_bytes};
  while (!stream.empty()) {
    const auto piece = stream.first(std::min(piece_bytes, stream.size()));
    stream = stream.subspan(piece.size());
    parser.feed(piece);
    auto message = parser.next();
    for (; message; message = parser.next()) {
      judge(*message);
      parsed.messages.push_back(detail::frame(*message));
    }
    parsed.end = message.error();
    if (parsed.end != Code::kWouldBlock) return parsed;
  }
  return parsed;
}

}  // namespace
}  // namespace mapwire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  fuzz::Input input{data, size};
  const std::size_t piece_bytes = 1 + input.take<std::uint8_t>();
  const std::size_t frame_bytes = (input.take<std::uint8_t>() & 1) != 0
                                      ? detail::kFrameBytesMax
                                      : detail::kStrangerFrameBytesMax;
  const Parsed whole = parse(input.rest(), size, frame_bytes);
  fuzz::require(parse(input.rest(), piece_bytes, frame_bytes) == whole, "pieces do not matter");
  fuzz::require(
      whole.end == Code::kOk || whole.end == Code::kWouldBlock || whole.end == Code::kProtocolError,
      "a stream goes on or breaks the protocol");
  // What was read is written as frames that are read as the same.
  std::string frames;
  for (const std::string& frame : whole.messages) frames += frame;
  const Parsed again =
      parse(std::as_bytes(std::span{frames}), frames.size(), detail::kFrameBytesMax);
  fuzz::require(again.messages == whole.messages, "messages survive");
  return 0;
}
