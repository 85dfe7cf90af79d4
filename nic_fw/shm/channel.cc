#include "mapwire/nic_fw/shm/channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <utility>

#include "mapwire/nic_fw/shm/descriptor_passing.h"

namespace mapwire::nic_fw::shm {
namespace {

// Messages taken at once: a peer that floods has its rest taken later.
constexpr int kMessagesMax = 64;

}  // namespace

Channel::Channel(UniqueFd socket, Arena block, const SharedMemoryAddress& own)
    : socket_{std::move(socket)},
      block_{std::move(block)},
      own_{own},
      writer_{block_.memory()},
      peer_orders_{false} {}

std::expected<Channel, Error> Channel::create(UniqueFd socket, const SharedMemoryAddress& own) {
  auto block = make_block();
  if (!block) return std::unexpected(std::move(block.error()));
  return Channel{std::move(socket), std::move(*block), own};
}

std::expected<void, Error> Channel::greet(const SharedMemoryAddress& peer) {
  greeted_ = true;
  peer_ = peer;
  const proto::ShmHello hello{
      .receiver_nonce = peer.nonce, .socket = own_.socket, .nonce = own_.nonce};
  if (send_with_descriptor(socket_.get(), std::as_bytes(std::span{&hello, 1}), block_.fd())) {
    return {};
  }
  const int cause = errno;
  kill();
  return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kEndpoint, cause,
                                           "shared memory: hello to the peer",
                                           "check that the peer runs, and connect again"));
}

void Channel::kill() {
  state_ = State::kDead;
  socket_ = UniqueFd{};  // the peer sees its end
  drop_passed();
}

void Channel::send_away() {
  kill();
  reader_.reset();
}

void Channel::serve() {
  if (state_ == State::kGreeting) take_hello();
  if (state_ == State::kOpen) take_messages();
}

void Channel::take_hello() {
  proto::ShmHello hello;
  const auto received =
      receive_with_descriptor(socket_.get(), std::as_writable_bytes(std::span{&hello, 1}));
  if (!received) {
    if (errno != EAGAIN && errno != EINTR) kill();
    return;
  }
  const bool whole = received->bytes == sizeof(hello) && received->descriptor;
  if (whole && accept_hello(hello, received->descriptor)) {
    state_ = State::kOpen;
  } else {
    kill();
  }
}

bool Channel::accept_hello(const proto::ShmHello& hello, const UniqueFd& block) {
  const SharedMemoryAddress peer{.socket = hello.socket, .nonce = hello.nonce};
  if (hello.magic != proto::kShmMagic || hello.version != proto::kShmVersion ||
      hello.receiver_nonce != own_.nonce || (greeted_ && peer != peer_)) {
    return false;
  }
  auto mapped = PeerBlock::map(block);
  if (!mapped) return false;
  peer_block_ = std::move(*mapped);
  peer_orders_ = peer_block_.header().fences == 0 && orders_stores_of_peers();
  writer_.set_reader(peer_block_.header());
  reader_.emplace(peer_block_.memory(), header_of(block_));
  return greeted_ || greet(peer).has_value();
}

void Channel::take_messages() {
  for (int taken = 0; taken < kMessagesMax; ++taken) {
    proto::ShmPassed message;
    auto received =
        receive_with_descriptor(socket_.get(), std::as_writable_bytes(std::span{&message, 1}));
    if (!received) {
      if (errno != EAGAIN && errno != EINTR) kill();
      return;
    }
    if (received->bytes == sizeof(message) && received->descriptor) {
      passed_.push_back({.own = message.qpn, .descriptor = std::move(received->descriptor)});
    }
  }
}

bool Channel::pass(Qpn peers, int descriptor) {
  const proto::ShmPassed message{.qpn = peers};
  return state_ != State::kDead &&
         send_with_descriptor(socket_.get(), std::as_bytes(std::span{&message, 1}), descriptor);
}

UniqueFd Channel::take_passed(Qpn own) {
  const auto found = std::ranges::find(passed_, own, &Passed::own);
  if (found == passed_.end()) return {};
  UniqueFd descriptor = std::move(found->descriptor);
  passed_.erase(found);
  return descriptor;
}

// If the socket has no room the peer has wake-ups enough.
void Channel::wake() {
  const std::byte wake_up{1};
  ::send(socket_.get(), &wake_up, sizeof(wake_up), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace mapwire::nic_fw::shm
