// Every order of destruction gives the RDMA device back what was taken of it.
#include <array>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "mapwire/endpoints/context.h"
#include "tests/endpoints/two_hosts.h"

namespace mapwire {
namespace {

using testing::value_of;

// What the kernel holds of devices for programs: "0: rxe0: qp 1 cq 0 mr 0 pd 0 ...".
std::string resources() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out{::popen("rdma resource show", "r"),
                                                            &::pclose};
  if (out == nullptr) return {};
  std::string text;
  for (int c = 0; (c = std::fgetc(out.get())) != EOF;) text += static_cast<char>(c);
  return text;
}

constexpr int kDeviceParts = 6;

using Parameter = std::tuple<const char*, int>;

class DeviceLifetimeTest : public testing::TwoHosts,
                           public ::testing::WithParamInterface<Parameter> {
 protected:
  DeviceLifetimeTest()
      : TwoHosts{{.name = {}, .scheme = std::get<0>(GetParam()), .nic = NicChoice::kVerbs}} {}

  void SetUp() override {
    TwoHosts::SetUp();
    listener_.reset();
    client_.reset();
    server_.reset();
    before_ = resources();  // librdmacm keeps a device open that it has used once
    TwoHosts::SetUp();
  }

  void destroy(int which) {
    switch (which) {
      case 0: return server_.reset();
      case 1: return client_.reset();
      case 2: return listener_.reset();
      case 3: return accepted_.reset();
      case 4: return connected_.reset();
      case 5: return region_.reset();
    }
  }

  std::string before_;
  std::optional<MemoryRegion> region_;
};

TEST_P(DeviceLifetimeTest, parts_go_in_any_order_with_requests_outstanding) {
  ASSERT_NE(before_, "") << "needs `rdma` (Debian package iproute2)";
  region_.emplace(value_of(server_->allocate(4096, {.remote_write = true})));
  connect();
  ASSERT_NE(resources(), before_);
  std::array<std::byte, 1000> bytes{};
  ASSERT_EQ(accepted_->post_receive(bytes, 1), Code::kOk);
  ASSERT_EQ(connected_->post_receive(bytes, 1), Code::kOk);
  ASSERT_EQ(connected_->post_write(bytes, region_->remote(), 2), Code::kOk);
  // Rotations and their mirror images: each part goes first once, and last once.
  const int order = std::get<1>(GetParam());
  const int step = order % 2 == 0 ? 1 : kDeviceParts - 1;
  for (int i = 0; i < kDeviceParts; ++i) destroy((order / 2 + i * step) % kDeviceParts);
  EXPECT_EQ(resources(), before_);
}

std::string name_of(const ::testing::TestParamInfo<Parameter>& parameter) {
  const std::string way = *std::get<0>(parameter.param) == '\0' ? "tcp" : "rdma_cm";
  return way + std::to_string(std::get<1>(parameter.param)) + "_verbs_rxe";
}

INSTANTIATE_TEST_SUITE_P(orders, DeviceLifetimeTest,
                         ::testing::Combine(::testing::Values("", "rdma://"),
                                            ::testing::Range(0, 2 * kDeviceParts)),
                         name_of);

}  // namespace
}  // namespace mapwire
