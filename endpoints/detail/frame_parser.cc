#include "mapwire/endpoints/detail/frame_parser.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include "mapwire/proto/endian.h"

namespace mapwire::detail {

void FrameParser::feed(std::span<const std::byte> bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
  consumed_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

std::expected<proto::control::Message, Code> FrameParser::next() {
  const auto rest = std::span<const std::byte>{buffer_}.subspan(consumed_);
  if (rest.size() < kFrameLengthBytes) return std::unexpected(Code::kWouldBlock);
  const std::uint32_t length = proto::load<proto::be32>(rest);
  if (length == 0 || length > frame_bytes_max_) return std::unexpected(Code::kProtocolError);
  if (rest.size() - kFrameLengthBytes < length) return std::unexpected(Code::kWouldBlock);
  proto::control::Message message;
  const bool parsed =
      message.ParseFromArray(rest.data() + kFrameLengthBytes, static_cast<int>(length));
  if (!parsed || message.kind_case() == proto::control::Message::KIND_NOT_SET) {
    return std::unexpected(Code::kProtocolError);
  }
  consumed_ += kFrameLengthBytes + length;
  return message;
}

std::string frame(const proto::control::Message& message) {
  const auto length = proto::be32{static_cast<std::uint32_t>(message.ByteSizeLong())};
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
  message.AppendToString(&bytes);
  return bytes;
}

}  // namespace mapwire::detail
