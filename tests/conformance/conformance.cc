#include "tests/conformance/conformance.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "mapwire/runtime/error.h"

namespace mapwire::conformance {

Buffer::Buffer(Nic& nic, std::size_t bytes, Access access, std::uint32_t protection_domain)
    : nic_{nic}, bytes_(bytes) {
  auto keys = nic_.register_memory(bytes_, access, protection_domain);
  EXPECT_TRUE(keys) << keys.error().message;
  if (keys) keys_ = *keys;
}

Buffer::~Buffer() { nic_.deregister_memory(keys_.lkey); }

std::uint64_t Buffer::address(std::size_t offset) const {
  return reinterpret_cast<std::uint64_t>(bytes_.data()) + offset;
}

Sge Buffer::sge(std::size_t offset, std::size_t bytes) const {
  return {
      .address = address(offset), .bytes = static_cast<std::uint32_t>(bytes), .lkey = keys_.lkey};
}

void Buffer::fill(unsigned seed) {
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    bytes_[i] = static_cast<std::byte>((i * 131 + i / 251 + seed * 17) & 0xff);
  }
}

std::uint64_t Buffer::word(std::size_t offset) const {
  std::uint64_t value = 0;
  std::memcpy(&value, &bytes_[offset], sizeof(value));
  return value;
}

void Buffer::set_word(std::size_t offset, std::uint64_t value) {
  std::memcpy(&bytes_[offset], &value, sizeof(value));
}

ReceiveDescriptor receive_into(std::uint64_t cookie, std::initializer_list<Sge> elements) {
  ReceiveDescriptor descriptor{.cookie = cookie,
                               .sge_count = static_cast<std::uint8_t>(elements.size())};
  std::ranges::copy(elements, descriptor.sge.begin());
  return descriptor;
}

SendDescriptor send_of(std::uint64_t cookie, std::initializer_list<Sge> elements) {
  SendDescriptor descriptor{.cookie = cookie,
                            .opcode = WorkOpcode::kSend,
                            .sge_count = static_cast<std::uint8_t>(elements.size())};
  std::ranges::copy(elements, descriptor.sge.begin());
  return descriptor;
}

SendDescriptor one_sided(std::uint64_t cookie, WorkOpcode opcode,
                         std::initializer_list<Sge> elements, const Buffer& target,
                         std::size_t offset) {
  SendDescriptor descriptor = send_of(cookie, elements);
  descriptor.opcode = opcode;
  descriptor.remote_address = target.address(offset);
  descriptor.rkey = target.keys().rkey;
  return descriptor;
}

SendDescriptor compare_swap(std::uint64_t cookie, const Sge& original, const Buffer& target,
                            std::size_t offset, std::uint64_t compare, std::uint64_t swap) {
  SendDescriptor descriptor =
      one_sided(cookie, WorkOpcode::kCompareSwap, {original}, target, offset);
  descriptor.compare = compare;
  descriptor.swap_or_add = swap;
  return descriptor;
}

SendDescriptor fetch_add(std::uint64_t cookie, const Sge& original, const Buffer& target,
                         std::size_t offset, std::uint64_t add) {
  SendDescriptor descriptor = one_sided(cookie, WorkOpcode::kFetchAdd, {original}, target, offset);
  descriptor.swap_or_add = add;
  return descriptor;
}

void Conformance::SetUp() {
  auto world = GetParam().make();
  if (!world) {
    ASSERT_EQ(std::getenv("MAPWIRE_TEST_REQUIRE_ALL_COLUMNS"), nullptr) << world.error();
    GTEST_SKIP() << world.error();
  }
  world_ = std::move(*world);
}

End Conformance::open(std::size_t side, const QueuePairOptions& options) {
  auto address =
      nic(side).open_queue_pair(options, world_->address(side), world_->address(1 - side));
  EXPECT_TRUE(address) << address.error().message;
  return {.side = side, .address = address.value_or(QueuePairAddress{})};
}

void Conformance::connect_ends(const End& from, const End& to, std::uint32_t path_mtu) {
  auto connected = nic(from.side).connect_queue_pair(
      from.qpn(), {.address = to.address, .path_mtu = path_mtu}, world_->now_ns());
  EXPECT_TRUE(connected) << connected.error().message;
  EXPECT_EQ(nic(from.side).wire_of(from.qpn()), world_->wire());
}

Connection Conformance::connect(const QueuePairOptions& left, const QueuePairOptions& right,
                                std::uint32_t path_mtu) {
  Connection connection{.left = open(0, left), .right = open(1, right), .path_mtu = path_mtu};
  connect_ends(connection.left, connection.right, path_mtu);
  connect_ends(connection.right, connection.left, path_mtu);
  return connection;
}

bool Conformance::post_send(const End& end, const SendDescriptor& descriptor) {
  return nic(end.side).post_send(end.qpn(), descriptor, world_->now_ns());
}

bool Conformance::post_receive(const End& end, const ReceiveDescriptor& descriptor) {
  return nic(end.side).post_receive(end.qpn(), descriptor, world_->now_ns());
}

std::size_t Conformance::poll_side(std::size_t side) {
  std::array<CompletionEntry, 16> batch;
  const std::size_t count = nic(side).poll(batch, world_->now_ns()).completions;
  for (const CompletionEntry& completion : std::span{batch}.first(count)) {
    completions_[{side, completion.qpn}].push_back(completion);
  }
  return count;
}

bool Conformance::poll_until(const std::function<bool()>& done) {
  const std::uint64_t until_ns = world_->now_ns() + kPatienceNs;
  while (!done()) {
    if (poll_side(0) + poll_side(1) > 0) continue;
    if (world_->now_ns() >= until_ns) return false;
    world_->wait(until_ns);
  }
  return true;
}

bool Conformance::poll_without_taking(const std::function<bool()>& done) {
  const std::uint64_t until_ns = world_->now_ns() + kPatienceNs;
  while (true) {
    for (std::size_t side : {0U, 1U}) nic(side).poll({}, world_->now_ns());
    if (done()) return true;
    if (world_->now_ns() >= until_ns) return false;
    world_->wait(until_ns);
  }
}

void Conformance::poll_for(std::uint64_t duration_ns) {
  const std::uint64_t until_ns = world_->now_ns() + duration_ns;
  while (world_->now_ns() < until_ns) {
    if (poll_side(0) + poll_side(1) == 0) world_->wait(until_ns);
  }
}

CompletionEntry Conformance::next_completion(const End& end) {
  auto& waiting = completions_of(end);
  if (!poll_until([&] { return !waiting.empty(); })) {
    ADD_FAILURE() << "no completion came";
    return {.cookie = kNoCookie};
  }
  const CompletionEntry completion = waiting.front();
  waiting.pop_front();
  return completion;
}

void Conformance::expect_completion(const End& end, std::uint64_t cookie, Code status) {
  const CompletionEntry completion = next_completion(end);
  EXPECT_EQ(completion.cookie, cookie);
  EXPECT_EQ(name(Code{completion.status}), name(status)) << "cookie " << completion.cookie;
  EXPECT_TRUE(status == Code::kOk || completion.bytes == 0);
}

void Conformance::expect_async(const End& end, Code code) {
  AsyncEvent event;
  EXPECT_TRUE(poll_until([&] { return nic(end.side).poll_async(std::span{&event, 1}) == 1; }));
  EXPECT_EQ(event.qpn, end.qpn());
  EXPECT_EQ(name(event.code), name(code));
}

void Conformance::send_one(const End& from, const End& to, std::size_t bytes) {
  Buffer source{nic(from.side), bytes};
  Buffer sink{nic(to.side), bytes};
  source.fill(from.qpn());
  EXPECT_TRUE(post_receive(to, receive_into(1, {sink.sge()})));
  EXPECT_TRUE(post_send(from, send_of(2, {source.sge()})));
  expect_completion(to, 1);
  expect_completion(from, 2);
  EXPECT_TRUE(std::ranges::equal(source.bytes(), sink.bytes()));
}

void Conformance::expect_alive(const Connection& connection, std::size_t bytes) {
  send_one(connection.left, connection.right, bytes);
  send_one(connection.right, connection.left, bytes);
}

}  // namespace mapwire::conformance
