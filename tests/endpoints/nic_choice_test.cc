// Which NIC a context gets. A device serves no loopback address, so what is said of one holds on
// machines with devices and without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "mapwire/endpoints/context.h"
#include "tests/endpoints/pair.h"

namespace mapwire {
namespace {

using ::testing::HasSubstr;
using testing::value_of;

Error refused(const ContextOptions& options) {
  const auto context = Context::create(options);
  return context ? Error{} : context.error();
}

EndpointInfo info_of(const ContextOptions& options) {
  Context server = value_of(Context::create(options));
  Listener listener = value_of(server.listen({.address = "127.0.0.1:0"}));
  Context client = value_of(Context::create({}));
  const Endpoint endpoint = value_of(client.connect(testing::loopback(listener)));
  return value_of(listener.accept(testing::kPatienceNs)).info();
}

TEST(NicChoiceTest, without_an_address_auto_takes_the_soft_nic) {
  const EndpointInfo info = info_of({});
  EXPECT_EQ(info.nic, kSoftNic);
  EXPECT_THAT(info.reason, HasSubstr("no address"));
}

TEST(NicChoiceTest, auto_takes_the_soft_nic_where_no_device_has_the_address) {
  const EndpointInfo info = info_of({.nic = NicChoice::kAuto, .address = "127.0.0.1:7"});
  EXPECT_EQ(info.nic, kSoftNic);
  EXPECT_THAT(info.reason, ::testing::AnyOf(HasSubstr("no RDMA device"), HasSubstr("is not 127")));
}

TEST(NicChoiceTest, auto_takes_the_soft_nic_for_every_address) {
  EXPECT_THAT(info_of({.address = "0.0.0.0"}).reason, HasSubstr("every address"));
  EXPECT_THAT(info_of({.address = "rdma://0.0.0.0"}).reason, HasSubstr("every address"));
}

TEST(NicChoiceTest, auto_asks_the_route_of_an_rdma_cm_address_too) {
  EXPECT_THAT(info_of({.address = "rdma://127.0.0.1"}).reason,
              ::testing::AnyOf(HasSubstr("no RDMA device"), HasSubstr("is not 127")));
}

TEST(NicChoiceTest, auto_takes_the_soft_nic_if_its_wire_is_to_be_watched) {
  EXPECT_THAT(info_of({.address = "127.0.0.1", .faults = "seed=1"}).reason, HasSubstr("faults"));
}

TEST(NicChoiceTest, a_device_that_was_asked_for_has_to_serve_the_address) {
  const Error error = refused({.nic = NicChoice::kVerbs, .address = "127.0.0.1:7"});
  EXPECT_EQ(error.code, Code::kNoUsableNic);
  EXPECT_THAT(error.message, HasSubstr("127.0.0.1:7"));
  EXPECT_THAT(error.message, HasSubstr("MAPWIRE_NIC=soft"));
}

TEST(NicChoiceTest, a_device_has_no_wire_to_be_watched) {
  EXPECT_EQ(refused({.nic = NicChoice::kVerbs, .faults = "loss=0.1"}).code, Code::kBadOption);
}

TEST(NicChoiceTest, an_address_that_is_none_is_refused_where_a_device_was_asked_for) {
  EXPECT_EQ(refused({.nic = NicChoice::kVerbs, .address = "[::1"}).code, Code::kBadOption);
}

}  // namespace
}  // namespace mapwire
