#include "mapwire/nic_fw/route_mtu.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapwire/runtime/unique_fd.h"
#include "tests/nic_fw/udp_test_support.h"

namespace mapwire::nic_fw {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::size_t loopback_mtu() {
  const UniqueFd fd{::socket(AF_INET, SOCK_DGRAM, 0)};
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  EXPECT_EQ(::ioctl(fd.get(), SIOCGIFMTU, &request), 0);
  return static_cast<std::size_t>(request.ifr_mtu);
}

TEST(RouteMtu, is_the_interface_mtu_less_the_headers) {
  // The kernel caps IPv4 routes at 65535, the longest packet there is.
  EXPECT_EQ(*route_payload_bytes_max(ip("127.0.0.1"), ip("127.0.0.2")),
            std::min<std::size_t>(loopback_mtu(), 65535) - 28);
  EXPECT_EQ(*route_payload_bytes_max(ip("::1"), ip("::1")),
            std::min<std::size_t>(loopback_mtu(), 65535 + 40) - 48);
}

TEST(RouteMtu, of_another_family_names_both_addresses) {
  auto bytes = route_payload_bytes_max(ip("127.0.0.1"), ip("::1"));
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Code::kSystemCall);
  EXPECT_THAT(bytes.error().message, AllOf(HasSubstr("127.0.0.1"), HasSubstr("::1")));
}

TEST(RouteMtu, between_a_link_local_and_a_global_address_is_refused) {
  auto local = own_link_local();
  if (!local) GTEST_SKIP() << "no interface has a link-local address";
  EXPECT_TRUE(route_payload_bytes_max(*local, *local));
  EXPECT_EQ(route_payload_bytes_max(*local, ip("::1")).error().code, Code::kSystemCall);
}

TEST(RouteMtu, from_an_address_of_another_host_is_refused) {
  auto bytes = route_payload_bytes_max(ip("198.51.100.1"), ip("127.0.0.1"));
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().os_errno, EADDRNOTAVAIL);
}

struct PathMtuCase {
  std::size_t payload_bytes_max;
  std::uint32_t path_mtu;
};

TEST(PathMtu, is_the_largest_power_of_two_that_fits_with_headers_and_icrc) {
  for (auto [payload_bytes_max, path_mtu] : {
           PathMtuCase{65507, 4096},      // loopback
           PathMtuCase{8972, 4096},       // jumbo frames
           PathMtuCase{4096 + 36, 4096},  // exactly
           PathMtuCase{4096 + 35, 2048},  // one byte less
           PathMtuCase{1500 - 28, 1024},  // Ethernet, IPv4
           PathMtuCase{1500 - 48, 1024},  // Ethernet, IPv6
           PathMtuCase{1280 - 48, 1024},  // the least that IPv6 allows
           PathMtuCase{1024 + 35, 512},   //
           PathMtuCase{576 - 28, 512},    // the least that IPv4 hosts accept
           PathMtuCase{512 + 35, 256},    //
           PathMtuCase{256 + 36, 256},    //
       }) {
    EXPECT_EQ(path_mtu_for(payload_bytes_max, ip("10.0.0.1"), ip("10.0.0.2")), path_mtu)
        << payload_bytes_max;
  }
}

TEST(PathMtu, too_small_for_256_names_route_mtu_and_need) {
  auto mtu = path_mtu_for(256 + 35, ip("10.0.0.1"), ip("10.0.0.2"));
  ASSERT_FALSE(mtu);
  EXPECT_EQ(mtu.error().code, Code::kMtuMismatch);
  EXPECT_THAT(mtu.error().message,
              AllOf(HasSubstr("10.0.0.1"), HasSubstr("10.0.0.2"), HasSubstr("319 bytes"),
                    HasSubstr("needs 320"), HasSubstr("ip link set")));
  EXPECT_EQ(path_mtu_for(0, ip("::1"), ip("::1")).error().code, Code::kMtuMismatch);
}

}  // namespace
}  // namespace mapwire::nic_fw
