#include "mapwire/nic_fw/udp_socket.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/nic_fw/udp_test_support.h"

namespace mapwire::nic_fw {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(UdpSocket, tells_the_address_and_the_port_the_kernel_chose) {
  for (const char* local : {"127.0.0.1", "::1"}) {
    auto socket = UdpSocket::open(ip(local), {});
    ASSERT_TRUE(socket) << socket.error().message;
    EXPECT_EQ(socket->address().ip, ip(local));
    EXPECT_NE(socket->address().port, 0);
    EXPECT_GT(socket->receive_buffer_bytes(), 0U);
    EXPECT_GT(socket->send_buffer_bytes(), 0U);
  }
}

TEST(UdpSocket, takes_the_port_it_is_given) {
  const std::uint16_t port = UdpSocket::open(ip("127.0.0.1"), {})->address().port;
  auto socket = UdpSocket::open(ip("127.0.0.2"), {.port = port});
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_EQ(socket->address().port, port);
}

TEST(UdpSocket, on_a_port_in_use_names_address_cause_and_next_step) {
  auto first = UdpSocket::open(ip("127.0.0.1"), {});
  auto second = UdpSocket::open(ip("127.0.0.1"), {.port = first->address().port});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kAddressInUse);
  EXPECT_EQ(second.error().os_errno, EADDRINUSE);
  EXPECT_THAT(second.error().message, AllOf(HasSubstr(to_string(first->address())),
                                            HasSubstr("in use"), HasSubstr("MAPWIRE_UDP_PORT")));
}

TEST(UdpSocket, on_an_address_of_another_host_names_it) {
  auto socket = UdpSocket::open(ip("198.51.100.7"), {});
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, Code::kSystemCall);
  EXPECT_THAT(socket.error().message,
              AllOf(HasSubstr("198.51.100.7"), HasSubstr("not an address of this host")));
}

TEST(UdpSocket, needs_an_address_of_one_interface) {
  for (const char* local : {"0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1"}) {
    auto socket = UdpSocket::open(ip(local), {});
    ASSERT_FALSE(socket) << local;
    EXPECT_EQ(socket.error().code, Code::kInvalidArgument);
    EXPECT_THAT(socket.error().message, HasSubstr(local));
  }
}

}  // namespace
}  // namespace mapwire::nic_fw
