// A peer decides how fast it reads; what that costs those who share the NIC with it is bounded.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "mapwire/nic_fw/random_source.h"
#include "mapwire/nic_fw/shm/block.h"
#include "mapwire/nic_fw/shm/descriptor_passing.h"
#include "mapwire/nic_fw/shm/meeting_place.h"
#include "tests/nic_fw/shm_test_support.h"

namespace mapwire::nic_fw::shm {
namespace {

using namespace shm_test;

constexpr std::size_t kBytes = std::size_t{32} << 20;
constexpr std::uint32_t kPieces = kBytes / proto::kShmPieceBytes;
constexpr std::uint32_t kCellsPerTurn = proto::kShmAreaBytes / proto::kShmPieceBytes;

// A NIC whose peer says of every cell at once that it has been read.
class FastReader : public ::testing::Test {
 protected:
  FastReader() {
    const proto::ShmHello hello{.receiver_nonce = address_.shared_memory.nonce,
                                .socket = self_.socket,
                                .nonce = self_.nonce};
    QueuePairAddress peer = address_;
    peer.shared_memory = self_;
    connect(*nic_, address_, peer);
    socket_ = UniqueFd{::accept4(door_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    proto::ShmHello theirs;
    const auto received =
        receive_with_descriptor(socket_.get(), std::as_writable_bytes(std::span{&theirs, 1}));
    theirs_ = PeerBlock::map(received->descriptor).value();
    send_with_descriptor(socket_.get(), std::as_bytes(std::span{&hello, 1}), block_.fd());
    nic_->next_deadline_ns();  // takes the hello
    reader_ = std::jthread{[this](const std::stop_token& stop) { read(stop); }};
    write({.kind = proto::ShmKind::kConnected, .flags = 0});
  }

  std::span<const proto::ShmCell> cells() const {
    return {reinterpret_cast<const proto::ShmCell*>(&theirs_.memory()[proto::kShmCellsOffset]),
            proto::kShmCells};
  }

  void read(const std::stop_token& stop) {
    for (std::uint32_t position = proto::kShmFirstPosition; !stop.stop_requested();) {
      if (cells()[position % proto::kShmCells].sequence != position + 1) continue;
      header_of(block_).consumed = ++position;
    }
  }

  struct Head {
    proto::ShmKind kind{};
    std::uint8_t flags = 0;
    proto::ShmTarget target{};
  };
  // The next cell of ours.
  void write(const Head& head) {
    auto& cell = reinterpret_cast<proto::ShmCell*>(
        &block_.memory()[proto::kShmCellsOffset])[position_ % proto::kShmCells];
    cell.kind = head.kind;
    cell.flags = head.flags;
    cell.qpn = address_.qpn;
    std::memcpy(cell.body.data(), &head.target, sizeof(head.target));
    cell.sequence = ++position_;
  }

  // Cells that the NIC has written since the last call.
  std::uint32_t cells_written() {
    const std::uint32_t last = written_;
    const auto is_written = [&] {
      const std::uint32_t sequence = cells()[written_ % proto::kShmCells].sequence;
      return sequence - written_ - 1 <= proto::kShmCells;  // that of an unused cell is farther off
    };
    while (is_written()) ++written_;
    return written_ - last;
  }

  // All of the memory goes to the peer, a part of it with each call of the NIC; `sum` cells of it
  // were the first.
  void expect_turns(std::uint32_t sum) {
    const std::uint64_t until_ns = now_ns() + kPatienceNs;
    ASSERT_LE(sum, kCellsPerTurn);
    while (sum < kPieces && now_ns() < until_ns) {
      nic_->poll({}, Now{});
      const std::uint32_t cells = cells_written();
      ASSERT_LE(cells, kCellsPerTurn);
      sum += cells;
    }
    EXPECT_GE(sum, kPieces);
  }

  SharedMemoryAddress self_{.socket = draw_system_random(), .nonce = 88};
  UniqueFd door_ = listen_at(self_.socket, 1);
  std::unique_ptr<Nic> nic_ = make_nic();
  QueuePairAddress address_ = open(*nic_);
  Arena block_ = make_block().value();
  UniqueFd socket_;
  PeerBlock theirs_;
  std::uint32_t position_ = proto::kShmFirstPosition;
  std::uint32_t written_ = proto::kShmFirstPosition;
  std::vector<std::byte> memory_ = std::vector<std::byte>(kBytes);
  std::jthread reader_;
};

TEST_F(FastReader, gets_a_long_message_in_turns) {
  nic_->poll({}, Now{});  // it is connected
  proto::SendDescriptor send{.cookie = 2, .sge_count = 1};
  send.sge[0] = {.address = reinterpret_cast<std::uint64_t>(memory_.data()), .bytes = kBytes};
  cells_written();
  ASSERT_TRUE(nic_->post_send(address_.qpn, send, Now{}));
  expect_turns(cells_written());
}

TEST_F(FastReader, gets_what_it_reads_of_our_memory_in_turns) {
  const MemoryKeys keys = nic_->register_memory(memory_, {.remote_read = true}, 1).value();
  nic_->poll({}, Now{});  // it is connected
  cells_written();
  write({.kind = proto::ShmKind::kRead,
         .flags = proto::kShmFirst | proto::kShmLast,
         .target = {.address = reinterpret_cast<std::uint64_t>(memory_.data()),
                    .rkey = keys.rkey,
                    .bytes = kBytes}});
  expect_turns(0);
}

// A sleeper can not be told that there is room again, so it has to look, but not for ever as often.
TEST(SlowReader, is_looked_at_ever_more_rarely) {
  const auto near = make_nic();
  const auto far = make_nic();
  const QueuePairAddress here = open(*near);
  const QueuePairAddress there = open(*far);
  connect(*near, here, there);
  connect(*far, there, here);
  far->next_deadline_ns();
  near->next_deadline_ns();
  near->poll({}, Now{});
  std::vector<std::byte> memory(std::size_t{1} << 20);
  std::vector<std::byte> room(memory.size());
  proto::ReceiveDescriptor receive{.cookie = 1, .sge_count = 1};
  receive.sge[0] = {.address = reinterpret_cast<std::uint64_t>(room.data()),
                    .bytes = static_cast<std::uint32_t>(room.size())};
  ASSERT_TRUE(far->post_receive(there.qpn, receive, Now{}));
  proto::SendDescriptor send{.cookie = 2, .sge_count = 1};
  send.sge[0] = {.address = reinterpret_cast<std::uint64_t>(memory.data()),
                 .bytes = static_cast<std::uint32_t>(memory.size())};
  ASSERT_TRUE(near->post_send(here.qpn, send, Now{}));
  const auto wait_ns = [&] {
    near->poll({}, Now{});
    const std::uint64_t asked_ns = now_ns();
    return near->next_deadline_ns() - asked_ns;
  };
  EXPECT_LT(wait_ns(), 5'000'000U);
  for (int i = 0; i < 10; ++i) wait_ns();
  EXPECT_GT(wait_ns(), 5'000'000U);
  // Expect: when it reads again, the rest is sent, and the next wait is a short one.
  for (int i = 0; i < 10; ++i) far->poll({}, Now{});
  EXPECT_LT(wait_ns(), 5'000'000U);
}

}  // namespace
}  // namespace mapwire::nic_fw::shm
