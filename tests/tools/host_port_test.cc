#include "tools/host_port.h"

#include <gtest/gtest.h>

namespace mapwire::tools {
namespace {

TEST(host_port, an_address_without_a_port_gets_the_given_one) {
  EXPECT_EQ(with_port("host.example", 7), "host.example:7");
  EXPECT_EQ(with_port("192.0.2.1", 7), "192.0.2.1:7");
  EXPECT_EQ(with_port("", 7), ":7");
}

TEST(host_port, ipv6_needs_no_brackets) {
  EXPECT_EQ(with_port("::1", 7), "[::1]:7");
  EXPECT_EQ(with_port("[::1]", 7), "[::1]:7");
  EXPECT_EQ(with_port("fe80::1%eth0", 7), "[fe80::1%eth0]:7");
}

TEST(host_port, a_port_in_the_address_wins) {
  EXPECT_EQ(with_port("host:9", 7), "host:9");
  EXPECT_EQ(with_port("[fe80::1%eth0]:9", 7), "[fe80::1%eth0]:9");
}

}  // namespace
}  // namespace mapwire::tools
