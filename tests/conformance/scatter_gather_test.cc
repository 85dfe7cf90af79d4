// Messages are gathered from and scattered over up to kSgeMax elements, in order.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/conformance.h"

namespace mapwire::conformance {
namespace {

// The lengths of consecutive elements, laid into a buffer with gaps between them.
struct Split {
  std::vector<std::size_t> lengths;
  std::size_t total() const {
    std::size_t sum = 0;
    for (std::size_t length : lengths) sum += length;
    return sum;
  }
};

constexpr std::size_t kGap = 5;

class ScatterGather : public Conformance {
 protected:
  static std::size_t room(const Split& split) { return split.total() + kGap * 4; }

  static std::vector<Sge> elements(const Buffer& buffer, const Split& split) {
    std::vector<Sge> result;
    std::size_t offset = kGap;
    for (std::size_t length : split.lengths) {
      result.push_back(buffer.sge(offset, length));
      offset += length + kGap;
    }
    return result;
  }

  static std::vector<std::byte> joined(Buffer& buffer, const Split& split) {
    std::vector<std::byte> result;
    std::size_t offset = kGap;
    for (std::size_t length : split.lengths) {
      const auto part = buffer.bytes().subspan(offset, length);
      result.insert(result.end(), part.begin(), part.end());
      offset += length + kGap;
    }
    return result;
  }

  template <class Descriptor>
  static void put(Descriptor& descriptor, const std::vector<Sge>& elements) {
    descriptor.sge_count = static_cast<std::uint8_t>(elements.size());
    std::ranges::copy(elements, descriptor.sge.begin());
  }

  // Splits of the same number of bytes.
  static std::vector<Split> splits() {
    return {{{3000}},       {{1, 2999}},          {{1024, 1976}},  {{1023, 2, 1975}},
            {{0, 3000, 0}}, {{1000, 1000, 1000}}, {{7, 2048, 945}}};
  }
};

TEST_P(ScatterGather, send_gathers_and_receive_scatters) {
  const Connection connection = connect();
  for (const Split& from : splits()) {
    for (const Split& to : splits()) {
      Buffer source{nic(0), room(from)};
      Buffer target{nic(1), room(to)};
      source.fill(1);
      ReceiveDescriptor receive{.cookie = 1};
      SendDescriptor send{.cookie = 2};
      put(receive, elements(target, to));
      put(send, elements(source, from));
      EXPECT_TRUE(post_receive(connection.right, receive));
      EXPECT_TRUE(post_send(connection.left, send));
      expect_completion(connection.right, 1);
      expect_completion(connection.left, 2);
      EXPECT_EQ(joined(target, to), joined(source, from));
    }
  }
}

TEST_P(ScatterGather, a_short_message_leaves_the_later_elements_alone) {
  const Connection connection = connect();
  Buffer source{nic(0), 1500};
  Buffer target{nic(1), 3000};
  source.fill(1);
  EXPECT_TRUE(post_receive(
      connection.right,
      receive_into(1, {target.sge(0, 1000), target.sge(1000, 1000), target.sge(2000, 1000)})));
  EXPECT_TRUE(post_send(connection.left, send_of(2, {source.sge()})));
  expect_completion(connection.right, 1);
  EXPECT_TRUE(std::ranges::equal(target.bytes().first(1500), source.bytes()));
  EXPECT_TRUE(std::ranges::all_of(target.bytes().subspan(1500),
                                  [](std::byte byte) { return byte == std::byte{0}; }));
  expect_completion(connection.left, 2);
}

TEST_P(ScatterGather, write_gathers) {
  const Connection connection = connect();
  for (const Split& from : splits()) {
    Buffer source{nic(0), room(from)};
    Buffer target{nic(1), from.total()};
    source.fill(2);
    SendDescriptor write = one_sided(2, WorkOpcode::kWrite, {}, target);
    put(write, elements(source, from));
    EXPECT_TRUE(post_send(connection.left, write));
    expect_completion(connection.left, 2);
    EXPECT_TRUE(std::ranges::equal(target.bytes(), joined(source, from)));
  }
}

TEST_P(ScatterGather, read_scatters) {
  const Connection connection = connect();
  for (const Split& to : splits()) {
    Buffer remote{nic(1), to.total()};
    Buffer local{nic(0), room(to)};
    remote.fill(3);
    SendDescriptor read = one_sided(2, WorkOpcode::kRead, {}, remote);
    put(read, elements(local, to));
    EXPECT_TRUE(post_send(connection.left, read));
    expect_completion(connection.left, 2);
    EXPECT_TRUE(std::ranges::equal(remote.bytes(), joined(local, to)));
  }
}

INSTANTIATE_TEST_SUITE_P(Nics, ScatterGather, ::testing::ValuesIn(columns()), column_name);

}  // namespace
}  // namespace mapwire::conformance
