// Cuts the byte stream of a control link into messages (proto/control.proto). No I/O: bytes in,
// messages out; any bytes from anyone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "control.pb.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

inline constexpr std::size_t kFrameBytesMax = 65536;        // of one message, without its length
inline constexpr std::size_t kStrangerFrameBytesMax = 512;  // before Hello; a Hello needs ~90
inline constexpr std::size_t kFrameLengthBytes = 4;

class FrameParser {
 public:
  // Refuses longer messages from now on.
  explicit FrameParser(std::size_t frame_bytes_max) : frame_bytes_max_{frame_bytes_max} {}
  void set_frame_bytes_max(std::size_t bytes) { frame_bytes_max_ = bytes; }

  // Appends bytes of the stream; they are copied.
  void feed(std::span<const std::byte> bytes);

  // The next whole message; kWouldBlock if there is none yet. Errors: kProtocolError (length 0 or
  // too long, or not a control message): the stream is lost, close it. Holds at most
  // frame_bytes_max + what one feed() brought.
  std::expected<proto::control::Message, Code> next();

 private:
  std::size_t frame_bytes_max_;
  std::vector<std::byte> buffer_;
  std::size_t consumed_ = 0;  // of buffer_, by earlier messages
};

// The frame of `message`: length and bytes. Precondition: at most kFrameBytesMax long.
std::string frame(const proto::control::Message& message);

}  // namespace mapwire::detail
