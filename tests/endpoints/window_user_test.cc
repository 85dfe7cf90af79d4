// Exports for the processes of one user.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/endpoints/window_memory.h"
#include "tests/endpoints/pair.h"
#include "tests/endpoints/stranger.h"
#include "tests/endpoints/user_of_its_own.h"
#include "tests/nic_fw/shm_test_support.h"

namespace mapwire {
namespace {

using proto::control::Message;
using testing::next_completion;
using testing::pattern;
using testing::Stranger;
using testing::UserOfItsOwn;
using testing::value_of;

const ContextOptions kOnShm{.nic = NicChoice::kSoft, .wire = WireChoice::kShm};
const ContextOptions kOnUdp{.nic = NicChoice::kSoft, .wire = WireChoice::kUdp};

class WindowUserTest : public ::testing::Test {
 protected:
  Export export_for(uid_t user, bool mappable = false) {
    const ExportOptions options{.user = user};
    return value_of(mappable ? exporter_.export_buffer("buffer", mapped_memory_, options)
                             : exporter_.export_buffer("buffer", memory_, options));
  }
  std::expected<Window, Error> import_by(Context& importer) {
    return importer.import_buffer(testing::loopback(listener_) + "/buffer");
  }
  static Context context_of_another_user() {
    const UserOfItsOwn another;
    return value_of(Context::create(kOnShm));
  }
  // It has the key: a notification goes by the wire in any case.
  static void expect_puts(Context& importer, Window& window, std::span<const std::byte> memory) {
    const auto source = pattern(5000, 3);
    ASSERT_EQ(window.put_notify(7, source, 1, 2), Code::kOk);
    EXPECT_EQ(name(next_completion(importer).status), name(Code::kOk));
    EXPECT_TRUE(std::ranges::equal(memory.subspan(7, source.size()), source));
  }

  Context exporter_ = value_of(Context::create(kOnShm));
  Listener listener_ = value_of(exporter_.listen({.address = "127.0.0.1:0"}));
  std::vector<std::byte> memory_ = std::vector<std::byte>(8192);
  WindowMemory mapped_memory_ = value_of(WindowMemory::create(8192));
};

TEST_F(WindowUserTest, a_process_of_the_user_imports) {
  const Export exported = export_for(::geteuid());
  Context importer = value_of(Context::create(kOnShm));
  Window window = value_of(import_by(importer));
  expect_puts(importer, window, memory_);
}

TEST_F(WindowUserTest, a_process_of_the_user_maps) {
  const Export exported = export_for(::geteuid(), true);
  Context importer = value_of(Context::create(kOnShm));
  Window window = value_of(import_by(importer));
  EXPECT_TRUE(window.mapped());
  expect_puts(importer, window, mapped_memory_.memory());
}

TEST_F(WindowUserTest, a_process_of_another_user_is_refused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may be somebody else";
  Context another = context_of_another_user();
  {
    const Export exported = export_for(::geteuid());
    const auto refused = import_by(another);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kPermission) << refused.error().message;
    EXPECT_EQ(exported.imports(), 0U);
  }
  const Export exported = export_for(UserOfItsOwn::id());
  Context own = value_of(Context::create(kOnShm));
  EXPECT_EQ(import_by(own).error().code, Code::kPermission);
  Window window = value_of(import_by(another));
  expect_puts(another, window, memory_);
}

TEST_F(WindowUserTest, who_does_not_show_who_he_is_is_refused) {
  Context exporter = value_of(Context::create());
  const auto exported = exporter.export_buffer("buffer", memory_, {.user = ::geteuid()});
  if (!exported) GTEST_SKIP() << "MAPWIRE_WIRE=udp: " << exported.error().message;
  const Listener listener = value_of(exporter.listen({.address = "127.0.0.1:0"}));
  Context on_udp = value_of(Context::create(kOnUdp));
  const auto refused = on_udp.import_buffer(testing::loopback(listener) + "/buffer");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kPermission);
  EXPECT_NE(refused.error().message.find("MAPWIRE_WIRE"), std::string::npos);
}

TEST_F(WindowUserTest, an_exporter_who_could_not_see_who_it_is_says_so) {
  Context on_udp = value_of(Context::create(kOnUdp));
  const auto exported = on_udp.export_buffer("buffer", memory_, {.user = ::geteuid()});
  ASSERT_FALSE(exported);
  EXPECT_EQ(exported.error().code, Code::kNotSupported);
}

// A request of somebody who names the socket of another process as his own.
Message lying_request(const QueuePairAddress& anothers) {
  Message message;
  auto& request = *message.mutable_connect_request();
  request.set_connection(1);
  request.set_profile(1);
  request.set_receive_entries(64);
  request.set_deadline_ns(testing::kSecondNs);
  auto& candidate = *request.add_candidates();
  candidate.set_nic("soft");
  candidate.set_wire("shm");
  candidate.mutable_queue_pair()->set_ip(std::string{"\x7f\x00\x00\x01", 4});
  candidate.mutable_queue_pair()->set_udp_port(anothers.udp.port);
  candidate.mutable_queue_pair()->set_qpn(anothers.qpn);
  candidate.mutable_queue_pair()->set_path_mtu_max(4096);
  candidate.mutable_shared_memory()->set_socket(anothers.shared_memory.socket);
  candidate.mutable_shared_memory()->set_nonce(anothers.shared_memory.nonce);
  request.mutable_wanted()->set_name("buffer");
  return message;
}

TEST_F(WindowUserTest, who_names_the_socket_of_another_process_is_not_told_the_key) {
  const Export exported = export_for(::geteuid(), true);
  const auto victim = nic_fw::shm_test::make_nic();
  const auto anothers = nic_fw::shm_test::open(*victim);
  Stranger liar{listener_.port()};
  liar.send(liar.hello());
  ASSERT_TRUE(liar.receive().has_hello());
  liar.send(lying_request(anothers));
  const Message reply = liar.receive();
  ASSERT_TRUE(reply.has_connect_reply());
  EXPECT_EQ(reply.connect_reply().code(), 0U) << reply.connect_reply().message();
  EXPECT_TRUE(reply.connect_reply().exported().key_passed());
  EXPECT_EQ(reply.connect_reply().exported().rkey(), 0U);
  // Expect: nor does the exporter take the liar for an importer.
  const Message last = liar.receive();
  EXPECT_FALSE(last.has_probe_result() && last.probe_result().code() == 0);
  EXPECT_EQ(exported.imports(), 0U);
}

}  // namespace
}  // namespace mapwire
