#include "mapwire/endpoints/detail/address_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace mapwire::detail {
namespace {

HostPort parsed(std::string_view text) {
  const auto result = parse_host_port(text, 18515);
  EXPECT_TRUE(result) << text << ": " << result.error().message;
  return result.value_or(HostPort{});
}

TEST(AddressParserTest, fills_in_what_is_left_out) {
  EXPECT_EQ(parsed(""), (HostPort{"", 18515}));
  EXPECT_EQ(parsed("host"), (HostPort{"host", 18515}));
  EXPECT_EQ(parsed(":7"), (HostPort{"", 7}));
  EXPECT_EQ(parsed(":0"), (HostPort{"", 0}));
}

TEST(AddressParserTest, takes_names_and_ipv4_with_a_port) {
  EXPECT_EQ(parsed("example.org:1"), (HostPort{"example.org", 1}));
  EXPECT_EQ(parsed("192.0.2.1:65535"), (HostPort{"192.0.2.1", 65535}));
}

TEST(AddressParserTest, takes_ipv6_with_brackets_interface_and_port) {
  EXPECT_EQ(parsed("[::]"), (HostPort{"::", 18515}));
  EXPECT_EQ(parsed("[2001:db8::1]:80"), (HostPort{"2001:db8::1", 80}));
  EXPECT_EQ(parsed("[fe80::1%eth0]:80"), (HostPort{"fe80::1%eth0", 80}));
}

TEST(AddressParserTest, takes_bare_ipv6_as_a_host_alone) {
  EXPECT_EQ(parsed("::1"), (HostPort{"::1", 18515}));
  EXPECT_EQ(parsed("fe80::1%eth0"), (HostPort{"fe80::1%eth0", 18515}));
}

TEST(AddressParserTest, knows_one_scheme) {
  EXPECT_EQ(parse_address("rdma://[::1]:7", 1),
            (Address{.rdma = true, .host_port = {.host = "::1", .port = 7}}));
  EXPECT_EQ(parse_address("host", 1),
            (Address{.rdma = false, .host_port = {.host = "host", .port = 1}}));
  for (const char* text : {"tcp://host:1", "rdma://rdma://host", "://", "rdma://host:x"}) {
    const auto result = parse_address(text, 1);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, Code::kBadOption);
  }
}

TEST(AddressParserTest, refuses_what_is_no_address) {
  for (const std::string& text :
       {std::string{"host:"}, std::string{"host:x"}, std::string{"host:65536"},
        std::string{"host:-1"}, std::string{"host: 1"}, std::string{"[::1"}, std::string{"[::1]80"},
        std::string{"[::1]:"}, std::string{"a b"}, std::string{"a\nb"}, std::string(1, '\0'),
        std::string(256, 'a'), std::string{"h\xc3\xb6st"}}) {
    const auto result = parse_host_port(text, 18515);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, Code::kBadOption);
  }
}

}  // namespace
}  // namespace mapwire::detail
