#include "mapwire/proto/cm_mad.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/proto/cma_header.h"
#include "tests/proto/hex.h"

namespace mapwire::proto {
namespace {

using test::from_hex;

// A MAD of `attribute` whose data has these bytes at these offsets, and zeros elsewhere.
std::vector<std::byte> mad(std::uint8_t attribute,
                           const std::vector<std::pair<std::size_t, std::string_view>>& data) {
  std::vector<std::byte> bytes = from_hex("01070203 00000000 1122334455667788 0000 0000 00000000");
  bytes[17] = static_cast<std::byte>(attribute);
  bytes.resize(kMadBytes);
  for (const auto& [offset, hex] : data) {
    std::ranges::copy(from_hex(hex), bytes.begin() + 24 + static_cast<std::ptrdiff_t>(offset));
  }
  return bytes;
}

template <class Message>
Message parsed(const std::vector<std::byte>& bytes) {
  const auto mad = parse_cm_mad(bytes);
  EXPECT_TRUE(mad);
  if (!mad || !std::holds_alternative<Message>(mad->message)) {
    ADD_FAILURE() << "not the expected message";
    return {};
  }
  EXPECT_EQ(mad->transaction_id, 0x1122'3344'5566'7788U);
  // What was read is written as the same bytes: the test sets no reserved bit.
  EXPECT_TRUE(std::ranges::equal(write_cm_mad(*mad), bytes));
  return std::get<Message>(mad->message);
}

TEST(CmMad, a_req_has_its_fields_at_their_offsets) {
  const CmReq req = parsed<CmReq>(mad(0x10, {{0, "a1b2c3d4"},
                                             {8, "0000000001061c06"},
                                             {16, "0102030405060708"},
                                             {32, "abcdef"},
                                             {35, "10"},
                                             {39, "08"},
                                             {43, "a1"},
                                             {44, "123456"},
                                             {47, "8f"},
                                             {48, "ffff"},
                                             {50, "37"},
                                             {51, "f8"},
                                             {52, "ffff"},
                                             {54, "ffff"},
                                             {56, "00000000000000000000ffff0a4d0001"},
                                             {72, "00000000000000000000ffff0a4d0002"},
                                             {88, "abcde003"},
                                             {92, "20"},
                                             {93, "40"},
                                             {94, "08"},
                                             {95, "70"},
                                             {140, "0040"}}));
  EXPECT_EQ(req.local_comm_id, 0xa1b2c3d4U);
  EXPECT_EQ(cma_port(req.service_id), 7174);
  EXPECT_EQ(req.ca_guid, 0x0102'0304'0506'0708U);
  EXPECT_EQ(req.qpn, 0xabcdefU);
  EXPECT_EQ(req.responder_resources, 16);
  EXPECT_EQ(req.initiator_depth, 8);
  EXPECT_EQ(req.remote_timeout, 20);
  EXPECT_EQ(req.transport, CmTransport::kRc);
  EXPECT_TRUE(req.flow_control);
  EXPECT_EQ(req.starting_psn, 0x123456U);
  EXPECT_EQ(req.local_timeout, 17);
  EXPECT_EQ(req.retry_count, 7);
  EXPECT_EQ(req.path_mtu, 3);
  EXPECT_EQ(req.rnr_retry_count, 7);
  EXPECT_EQ(req.cm_retries, 15);
  EXPECT_TRUE(req.srq);
  EXPECT_EQ(req.local_gid, to_gid({.bytes = {10, 77, 0, 1}}));
  EXPECT_EQ(req.remote_gid, to_gid({.bytes = {10, 77, 0, 2}}));
  EXPECT_EQ(req.flow_label, 0xabcdeU);
  EXPECT_EQ(req.packet_rate, 3);
  EXPECT_EQ(req.traffic_class, 0x20);
  EXPECT_EQ(req.hop_limit, 64);
  EXPECT_TRUE(req.subnet_local);
  EXPECT_EQ(req.ack_timeout, 14);
  EXPECT_EQ(req.private_data[1], std::byte{0x40});
}

TEST(CmMad, an_mra_has_its_fields_at_their_offsets) {
  const CmMra mra = parsed<CmMra>(
      mad(0x11, {{0, "00000001"}, {4, "00000002"}, {8, "40"}, {9, "c0"}, {10, "99"}}));
  EXPECT_EQ(mra.local_comm_id, 1U);
  EXPECT_EQ(mra.remote_comm_id, 2U);
  EXPECT_EQ(mra.message, CmAnswered::kRep);
  EXPECT_EQ(mra.service_timeout, 24);
  EXPECT_EQ(mra.private_data[0], std::byte{0x99});
}

TEST(CmMad, a_rej_has_its_fields_at_their_offsets) {
  const CmRej rej = parsed<CmRej>(
      mad(0x12, {{0, "00000001"}, {4, "00000002"}, {8, "80"}, {10, "001c"}, {84, "77"}}));
  EXPECT_EQ(rej.message, CmAnswered::kOther);
  EXPECT_EQ(rej.reason, CmRejectReason::kConsumer);
  EXPECT_EQ(rej.private_data[0], std::byte{0x77});
}

TEST(CmMad, a_rej_for_a_timeout_names_the_channel_adapter) {
  const CmRej rej = parsed<CmRej>(
      mad(0x12, {{0, "00000001"}, {9, "10"}, {10, "0004"}, {12, "0102030405060708"}}));
  EXPECT_EQ(rej.reason, CmRejectReason::kTimeout);
  EXPECT_EQ(rej.ca_guid, 0x0102'0304'0506'0708U);
}

TEST(CmMad, a_rep_has_its_fields_at_their_offsets) {
  const CmRep rep = parsed<CmRep>(mad(0x13, {{0, "00000001"},
                                             {4, "00000002"},
                                             {12, "abcdef"},
                                             {20, "123456"},
                                             {24, "10"},
                                             {25, "08"},
                                             {26, "79"},
                                             {27, "f0"},
                                             {28, "0102030405060708"},
                                             {36, "55"}}));
  EXPECT_EQ(rep.qpn, 0xabcdefU);
  EXPECT_EQ(rep.starting_psn, 0x123456U);
  EXPECT_EQ(rep.responder_resources, 16);
  EXPECT_EQ(rep.initiator_depth, 8);
  EXPECT_EQ(rep.target_ack_delay, 15);
  EXPECT_TRUE(rep.flow_control);
  EXPECT_EQ(rep.rnr_retry_count, 7);
  EXPECT_TRUE(rep.srq);
  EXPECT_EQ(rep.ca_guid, 0x0102'0304'0506'0708U);
  EXPECT_EQ(rep.private_data[0], std::byte{0x55});
}

TEST(CmMad, the_short_messages_have_their_fields_at_their_offsets) {
  const CmRtu rtu = parsed<CmRtu>(mad(0x14, {{0, "00000001"}, {4, "00000002"}, {8, "11"}}));
  EXPECT_EQ(rtu.remote_comm_id, 2U);
  EXPECT_EQ(rtu.private_data[0], std::byte{0x11});
  const CmDreq dreq =
      parsed<CmDreq>(mad(0x15, {{0, "00000001"}, {4, "00000002"}, {8, "abcdef"}, {12, "22"}}));
  EXPECT_EQ(dreq.remote_qpn, 0xabcdefU);
  EXPECT_EQ(dreq.private_data[0], std::byte{0x22});
  const CmDrep drep = parsed<CmDrep>(mad(0x16, {{0, "00000003"}, {4, "00000004"}}));
  EXPECT_EQ(drep.local_comm_id, 3U);
  EXPECT_EQ(drep.remote_comm_id, 4U);
}

TEST(CmMad, what_is_no_message_of_the_communication_manager_is_refused_by_name) {
  const auto error = [](std::size_t offset, std::uint8_t value) {
    auto bytes = mad(0x14, {});
    bytes[offset] = static_cast<std::byte>(value);
    const auto result = parse_cm_mad(bytes);
    return result ? std::string_view{"accepted"} : name(result.error());
  };
  EXPECT_EQ(error(0, 2), "bad_version");
  EXPECT_EQ(error(1, 3), "other_class");
  EXPECT_EQ(error(2, 1), "bad_version");
  EXPECT_EQ(error(3, 1), "bad_method");
  EXPECT_EQ(error(17, 0x17), "unknown_attribute");
  EXPECT_EQ(error(16, 1), "unknown_attribute");
}

TEST(CmMad, any_other_length_is_refused) {
  auto bytes = mad(0x10, {});
  bytes.push_back({});
  EXPECT_EQ(parse_cm_mad(bytes).error(), MadError::kBadLength);
  for (std::size_t length = 0; length < kMadBytes; ++length) {
    EXPECT_EQ(parse_cm_mad(std::span{bytes}.first(length)).error(), MadError::kBadLength);
  }
}

TEST(CmMad, garbage_is_refused_or_survives_a_round_trip) {
  std::mt19937 random{1};
  for (int i = 0; i < 10'000; ++i) {
    auto bytes = mad(static_cast<std::uint8_t>(0x10 + random() % 7), {});
    for (std::byte& byte : std::span{bytes}.subspan(24)) byte = static_cast<std::byte>(random());
    const auto first = parse_cm_mad(bytes);
    ASSERT_TRUE(first);
    EXPECT_EQ(parse_cm_mad(write_cm_mad(*first)), first);
  }
}

TEST(CmMad, a_timeout_is_an_exponent) {
  EXPECT_EQ(cm_timeout_ns(0), 4'096U);
  EXPECT_EQ(cm_timeout_ns(20), 4'294'967'296U);
}

TEST(CmMad, an_unlisted_reason_has_a_name_too) {
  EXPECT_EQ(name(CmRejectReason::kInvalidServiceId), "invalid_service_id");
  EXPECT_EQ(name(static_cast<CmRejectReason>(99)), "other");
}

TEST(CmaHeader, an_ipv4_address_stands_in_the_last_four_bytes) {
  const auto bytes =
      from_hex("0040 d431 0000000000000000000000000a4d0001 0000000000000000000000000a4d0002");
  const auto wire = load<CmaHeaderWire>(bytes);
  const auto header = decode(wire);
  ASSERT_TRUE(header);
  EXPECT_EQ(to_string(header->source), "10.77.0.1:54321");
  EXPECT_EQ(to_string(header->destination), "10.77.0.2");
  std::vector<std::byte> again(sizeof(CmaHeaderWire));
  store(again, encode(*header));
  EXPECT_EQ(again, bytes);
}

TEST(CmaHeader, an_ipv6_address_fills_its_field) {
  CmaHeaderWire wire;
  wire.ip_version = 0x60;
  wire.source = {0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const auto header = decode(wire);
  ASSERT_TRUE(header);
  EXPECT_EQ(to_string(header->source.ip), "fd77::1");
  EXPECT_EQ(decode(encode(*header)), header);
}

TEST(CmaHeader, another_version_is_refused) {
  CmaHeaderWire wire;
  EXPECT_FALSE(decode(wire)) << "no IP version";
  wire.ip_version = 0x50;
  EXPECT_FALSE(decode(wire));
  wire.ip_version = 0x40;
  EXPECT_TRUE(decode(wire));
  wire.version = 0x10;
  EXPECT_FALSE(decode(wire));
}

TEST(CmaHeader, a_service_id_names_a_port_of_the_tcp_port_space_alone) {
  EXPECT_EQ(cma_service_id(7174), 0x0000'0000'0106'1c06U);
  EXPECT_EQ(cma_port(cma_service_id(65535)), 65535);
  EXPECT_FALSE(cma_port(0x0000'0000'0111'1c06));
  EXPECT_FALSE(cma_port(7174));
}

}  // namespace
}  // namespace mapwire::proto
