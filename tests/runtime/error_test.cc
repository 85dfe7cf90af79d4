#include "mapwire/runtime/error.h"

#include <cctype>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mapwire {
namespace {

// Knows every code. A new one does not compile (-Wswitch-enum) until it is added here, and then
// fails the tests below until it has its texts.
bool is_code(Code code) {
  using enum Code;
  switch (code) {
    case kOk:
    case kWouldBlock:
    case kInvalidArgument:
    case kMessageTooLong:
    case kEndpointClosed:
    case kFlushed:
    case kReceiveTooSmall:
    case kLocalProtection:
    case kRemoteInvalidRequest:
    case kRemoteAccess:
    case kRemoteOperational:
    case kRetryExceeded:
    case kRnrRetryExceeded:
    case kPeerDead:
    case kInvalidDescriptor:
    case kRingCorrupt:
    case kBadResponse:
    case kPeerClosed:
    case kDeviceFailed:
    case kUnknownHost:
    case kAddressInUse:
    case kPermission:
    case kConnectTimeout:
    case kConnectionRefused:
    case kVersionMismatch:
    case kProtocolError:
    case kAddressTranslated:
    case kPathBlocked:
    case kMtuBlackHole:
    case kPeerRefused:
    case kLimitReached:
    case kOutOfMemory:
    case kSystemCall:
    case kTimeout:
    case kWrongThread:
    case kBadOption:
    case kBadFile:
    case kPayloadMismatch:
    case kInterrupted:
    case kNoUsableNic:
    case kMtuMismatch:
    case kRocePortInUse:
    case kNotExported:
    case kNotSupported: return true;
  }
  return false;
}

TEST(CodeTable, holds_every_code_once_in_ascending_order) {
  auto entry = code_table().begin();
  for (unsigned number = 0; number <= std::numeric_limits<std::uint16_t>::max(); ++number) {
    const Code code{static_cast<std::uint16_t>(number)};
    if (!is_code(code)) continue;
    ASSERT_NE(entry, code_table().end()) << "no entry for code " << number;
    EXPECT_EQ(entry->code, code) << "code " << number << " is missing or out of order";
    ++entry;
  }
  EXPECT_EQ(entry, code_table().end());
}

TEST(CodeTable, names_are_unique_and_snake_case) {
  std::set<std::string_view> names;
  for (const CodeEntry& entry : code_table()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name << " occurs twice";
    EXPECT_FALSE(entry.name.empty());
    for (char letter : entry.name) {
      EXPECT_TRUE(letter == '_' || std::islower(static_cast<unsigned char>(letter))) << entry.name;
    }
  }
}

TEST(CodeTable, texts_are_sentences) {
  for (const CodeEntry& entry : code_table()) {
    for (std::string_view text : {entry.meaning, entry.cause, entry.next_step}) {
      ASSERT_FALSE(text.empty()) << entry.name;
      EXPECT_TRUE(std::isupper(static_cast<unsigned char>(text.front()))) << text;
      EXPECT_EQ(text.back(), '.') << text;
    }
  }
}

TEST(CodeTable, a_number_that_is_no_code_has_the_entry_of_ok) {
  EXPECT_EQ(code_entry(Code{40000}).code, Code::kOk);
  EXPECT_EQ(code_entry(Code::kMtuBlackHole).code, Code::kMtuBlackHole);
  EXPECT_EQ(name(Code::kRetryExceeded), "retry_exceeded");
}

TEST(FindCode, knows_names_and_decimal_numbers) {
  for (const CodeEntry& entry : code_table()) {
    EXPECT_EQ(find_code(entry.name), &entry);
    EXPECT_EQ(find_code(std::to_string(static_cast<unsigned>(entry.code))), &entry);
  }
}

TEST(FindCode, finds_nothing_for_what_is_neither) {
  for (std::string_view text : {"", "retry", "19", "65536", "-1", "26 ", "0x1a", "26x", "+26"}) {
    EXPECT_EQ(find_code(text), nullptr) << text;
  }
}

TEST(Error, from_errno_says_object_cause_and_next_step) {
  auto error = Error::from_errno(Code::kPermission, ErrorScope::kDevice, 13, "port 80",
                                 "choose a port of 1024 or above");
  EXPECT_EQ(error.message, "port 80: Permission denied; choose a port of 1024 or above");
  EXPECT_EQ(error.code, Code::kPermission);
  EXPECT_EQ(error.os_errno, 13);
}

TEST(ErrorScope, each_has_a_name_of_its_own) {
  std::set<std::string_view> names{name(ErrorScope::kRequest), name(ErrorScope::kEndpoint),
                                   name(ErrorScope::kDevice), name(ErrorScope::kProcess)};
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("request", "endpoint", "device", "process"));
}

}  // namespace
}  // namespace mapwire
