#include "mapwire/proto/address.h"

#include <gtest/gtest.h>

namespace mapwire::proto {
namespace {

constexpr IpAddress kV4{.family = IpFamily::kV4, .bytes = {192, 0, 2, 1}};
constexpr IpAddress kV6{.family = IpFamily::kV6,
                        .bytes = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

TEST(IpAddress, is_written_as_usual) {
  EXPECT_EQ(to_string(kV4), "192.0.2.1");
  EXPECT_EQ(to_string(kV6), "2001:db8::1");
  EXPECT_EQ(to_string(IpAddress{}), "0.0.0.0");
}

TEST(IpAddress, a_link_local_one_names_its_interface) {
  IpAddress address{.family = IpFamily::kV6, .bytes = {0xfe, 0x80}, .scope_id = 3};
  EXPECT_EQ(to_string(address), "fe80::%3");
}

TEST(Gid, an_ipv4_address_is_mapped_and_an_ipv6_address_is_itself) {
  EXPECT_EQ(to_gid(kV4), (Gid{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}));
  EXPECT_EQ(to_gid(kV6), kV6.bytes);
}

TEST(UdpAddress, brackets_keep_ipv6_and_port_apart) {
  EXPECT_EQ(to_string(UdpAddress{.ip = kV4, .port = 4791}), "192.0.2.1:4791");
  EXPECT_EQ(to_string(UdpAddress{.ip = kV6, .port = 65535}), "[2001:db8::1]:65535");
}

}  // namespace
}  // namespace mapwire::proto
