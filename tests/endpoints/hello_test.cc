#include "mapwire/endpoints/detail/hello.h"

#include <gtest/gtest.h>

#include <string>

#include "mapwire/proto/address.h"

namespace mapwire::detail {
namespace {

LinkAddresses addresses() {
  LinkAddresses result{.local = {.ip = {}, .port = 1000}, .remote = {.ip = {}, .port = 2000}};
  result.local.ip.bytes = {192, 0, 2, 1};
  result.remote.ip.bytes = {192, 0, 2, 2};
  return result;
}

LinkAddresses swapped(const LinkAddresses& addresses) {
  return {.local = addresses.remote, .remote = addresses.local};
}

TEST(HelloTest, of_an_honest_peer_passes) {
  const auto hello = make_hello(addresses(), {});
  EXPECT_TRUE(check_hello(hello, swapped(addresses())));
}

TEST(HelloTest, of_another_program_is_a_protocol_error) {
  auto hello = make_hello(addresses(), {});
  hello.mutable_hello()->set_magic(1);
  EXPECT_EQ(check_hello(hello, swapped(addresses())).error().code, Code::kProtocolError);
  proto::control::Message other;
  other.mutable_keep_alive();
  EXPECT_EQ(check_hello(other, swapped(addresses())).error().code, Code::kProtocolError);
}

TEST(HelloTest, of_another_version_names_both) {
  auto hello = make_hello(addresses(), {});
  hello.mutable_hello()->set_protocol_version(77);
  hello.mutable_hello()->set_mapwire_version("9.8.7");
  const auto checked = check_hello(hello, swapped(addresses()));
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Code::kVersionMismatch);
  for (const char* part : {"peer ", "control protocol 77", "mapwire 9.8.7", "install the same"}) {
    EXPECT_NE(checked.error().message.find(part), std::string::npos) << checked.error().message;
  }
}

TEST(HelloTest, with_other_addresses_is_a_translation_for_both_sides) {
  const LinkAddresses client = addresses();
  LinkAddresses server = swapped(client);
  server.remote.port = 3000;
  EXPECT_EQ(check_hello(make_hello(client, {}), server).error().code, Code::kAddressTranslated);
  EXPECT_EQ(check_hello(make_hello(server, {}), client).error().code, Code::kAddressTranslated);
}

TEST(HelloTest, with_an_address_of_odd_length_is_survived) {
  auto hello = make_hello(addresses(), {});
  hello.mutable_hello()->set_local_address("abc");
  EXPECT_EQ(check_hello(hello, swapped(addresses())).error().code, Code::kAddressTranslated);
}

}  // namespace
}  // namespace mapwire::detail
