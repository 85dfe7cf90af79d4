#include "mapwire/endpoints/detail/frame_parser.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mapwire::detail {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span{text}); }

std::string disconnect_frame(std::uint32_t connection) {
  proto::control::Message message;
  message.mutable_disconnect()->set_connection(connection);
  return frame(message);
}

TEST(FrameParserTest, gives_messages_in_order) {
  FrameParser parser{kFrameBytesMax};
  parser.feed(bytes(disconnect_frame(1) + disconnect_frame(2)));
  for (const std::uint32_t expected : {1U, 2U}) {
    const auto message = parser.next();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->disconnect().connection(), expected);
  }
  EXPECT_EQ(parser.next().error(), Code::kWouldBlock);
}

TEST(FrameParserTest, joins_messages_that_come_byte_by_byte) {
  FrameParser parser{kFrameBytesMax};
  const std::string stream = disconnect_frame(7) + disconnect_frame(8);
  std::uint32_t expected = 7;
  for (const char& byte : stream) {
    parser.feed(bytes({&byte, 1}));
    const auto message = parser.next();
    if (!message) {
      ASSERT_EQ(message.error(), Code::kWouldBlock);
      continue;
    }
    EXPECT_EQ(message->disconnect().connection(), expected++);
  }
  EXPECT_EQ(expected, 9U);
}

TEST(FrameParserTest, refuses_a_length_of_zero) {
  FrameParser parser{kFrameBytesMax};
  parser.feed(bytes({"\0\0\0\0", 4}));
  EXPECT_EQ(parser.next().error(), Code::kProtocolError);
}

TEST(FrameParserTest, refuses_a_length_over_its_limit_before_the_bytes_come) {
  FrameParser parser{512};
  parser.feed(bytes({"\0\0\x02\x00", 4}));
  EXPECT_EQ(parser.next().error(), Code::kWouldBlock);
  FrameParser other{512};
  other.feed(bytes({"\0\0\x02\x01", 4}));
  EXPECT_EQ(other.next().error(), Code::kProtocolError);
}

TEST(FrameParserTest, refuses_bytes_that_are_no_message) {
  FrameParser parser{kFrameBytesMax};
  parser.feed(bytes({"\0\0\0\x03\xff\xff\xff", 7}));
  EXPECT_EQ(parser.next().error(), Code::kProtocolError);
}

TEST(FrameParserTest, refuses_a_message_without_a_kind_we_know) {
  FrameParser parser{kFrameBytesMax};
  // Field 100, a number: what a later version might send.
  parser.feed(bytes({"\0\0\0\x03\xa0\x06\x01", 7}));
  EXPECT_EQ(parser.next().error(), Code::kProtocolError);
}

TEST(FrameParserTest, refuses_http) {
  FrameParser parser{kStrangerFrameBytesMax};
  parser.feed(bytes("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(parser.next().error(), Code::kProtocolError);
}

}  // namespace
}  // namespace mapwire::detail
