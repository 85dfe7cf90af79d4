// A peer that is connected in order and then lies in message headers and in the credit word.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "mapwire/endpoints/detail/choose_nic.h"
#include "mapwire/endpoints/detail/context_impl.h"
#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/udp_wire.h"
#include "mapwire/proto/message_header.h"
#include "mapwire/proto/peer_words.h"
#include "mapwire/runtime/clock.h"
#include "tests/endpoints/lying_nic.h"
#include "tests/endpoints/pair.h"

namespace mapwire {
namespace {

using proto::CountWord;
using proto::MessageHeader;
using proto::SendDescriptor;
using proto::WorkOpcode;
using testing::next_completion;
using testing::value_of;

// What a message or an update consists of, changed in place.
template <class T>
T& content(const SendDescriptor& descriptor) {
  return *reinterpret_cast<T*>(descriptor.sge[0].address);
}

Context lying_context(testing::LyingNic::Lie lie) {
  auto wire = value_of(nic_fw::make_udp_wire({}, nullptr));
  auto honest = value_of(nic_fw::make_soft_nic({.seed = 1}, std::move(wire), nullptr));
  detail::ChosenNic nic{
      .nic = std::make_unique<testing::LyingNic>(std::move(honest), std::move(lie)),
      .reason = "test"};
  return Context::Impl::wrap(value_of(Context::Impl::create({}, std::move(nic), nullptr)));
}

struct HeaderLie {
  std::string name;
  void (*tell)(MessageHeader& header);
};

class LyingHeaderTest : public ::testing::TestWithParam<HeaderLie> {};

TEST_P(LyingHeaderTest, ends_its_connection_and_no_other) {
  Context server = value_of(Context::create());
  Listener listener = value_of(server.listen({.address = "127.0.0.1:0"}));
  Context liar = lying_context([](const SendDescriptor& descriptor) {
    // The probes of the set-up carry no header, and the user's bytes come in an element of their
    // own.
    if (descriptor.opcode == WorkOpcode::kSend &&
        descriptor.sge[0].bytes == sizeof(MessageHeader) + sizeof(std::uint64_t)) {
      GetParam().tell(content<MessageHeader>(descriptor));
    }
  });
  Context honest = value_of(Context::create());
  auto [from_liar, to_server] = testing::connect(liar, listener);
  auto [from_honest, honest_to_server] = testing::connect(honest, listener);
  std::uint64_t bytes = 0;
  const auto buffer = std::as_writable_bytes(std::span{&bytes, 1});
  ASSERT_EQ(from_liar.post_receive(buffer, 1), Code::kOk);
  ASSERT_EQ(from_honest.post_receive(buffer, 2), Code::kOk);

  Code posted = Code::kWouldBlock;
  while ((posted = to_server.post_send(buffer, 3)) == Code::kWouldBlock) liar.poll({});
  ASSERT_EQ(posted, Code::kOk);
  const Completion refused = next_completion(server);
  EXPECT_EQ(refused.cookie, 1U);
  EXPECT_EQ(refused.status, Code::kProtocolError);
  ASSERT_TRUE(from_liar.error());
  EXPECT_EQ(from_liar.error()->code, Code::kProtocolError);
  // Expect: the honest peer is served.
  while (honest_to_server.post_send(buffer, 4) == Code::kWouldBlock) honest.poll({});
  const Completion received = next_completion(server);
  EXPECT_EQ(received.cookie, 2U);
  EXPECT_EQ(received.status, Code::kOk);
}

INSTANTIATE_TEST_SUITE_P(
    lies, LyingHeaderTest,
    ::testing::Values(HeaderLie{"version", [](MessageHeader& header) { header.version = 2; }},
                      HeaderLie{"kind", [](MessageHeader& header) { header.kind = 3; }},
                      HeaderLie{"flags", [](MessageHeader& header) { header.flags = 2; }},
                      HeaderLie{"reserved", [](MessageHeader& header) { header.reserved = 1; }},
                      HeaderLie{"sequence", [](MessageHeader& header) { header.sequence = 1; }},
                      HeaderLie{"credits",
                                [](MessageHeader& header) { header.credits = 100'000; }}),
    [](const auto& lie) { return lie.param.name; });

TEST(LyingCreditTest, ends_the_connection_of_who_waits_for_credit) {
  Context server = value_of(Context::create());
  Listener listener = value_of(server.listen({.address = "127.0.0.1:0"}));
  Context liar = lying_context([](const SendDescriptor& descriptor) {
    if (descriptor.opcode == WorkOpcode::kWrite) {
      content<CountWord>(descriptor) = {proto::MessageKind::kCredit, 100'000};
    }
  });
  auto [accepted, connected] = testing::connect(liar, listener);
  std::array<std::byte, 8> bytes{};
  // A receive, so that there is news of credits.
  ASSERT_EQ(connected.post_receive(bytes, 1), Code::kOk);
  // Expect: the server learns the lie when it wants to send.
  const std::uint64_t end = now_ns() + testing::kPatienceNs;
  while (!accepted.error() && now_ns() < end) {
    // Accepted only if it is flushed, because the connection has just ended.
    const Code posted = accepted.post_send(bytes, 2);
    EXPECT_TRUE(posted == Code::kWouldBlock || accepted.error());
    liar.poll({});
    server.poll({});
  }
  ASSERT_TRUE(accepted.error());
  EXPECT_EQ(accepted.error()->code, Code::kProtocolError);
}

}  // namespace
}  // namespace mapwire
