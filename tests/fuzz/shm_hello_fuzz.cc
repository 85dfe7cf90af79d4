// What strangers say on a socket of the shm wire before they are let in. An input says whether we
// have said hello first, and then is a series of messages with descriptors. Whatever they are: the
// channel opens for the right hello with a right block alone, and keeps no descriptor when it goes.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "mapwire/nic_fw/shm/channel.h"
#include "mapwire/nic_fw/shm/descriptor_passing.h"
#include "tests/fuzz/fuzz.h"

namespace mapwire {
namespace {

using fuzz::Input;
using fuzz::require;
using namespace nic_fw::shm;  // NOLINT(google-build-using-namespace): as in its tests

constexpr SharedMemoryAddress kOwn{.socket = 1, .nonce = 2};
constexpr SharedMemoryAddress kPeer{.socket = 3, .nonce = 4};
constexpr std::size_t kMessagesMax = 8;

enum class Passed : std::uint8_t { kNothing, kBlock, kUnsealed, kShort, kPipe, kDevice, kKinds };

// With the header of a block.
UniqueFd memory(std::size_t bytes, int seals) {
  UniqueFd fd{::memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  const std::array header{proto::kShmMagic, proto::kShmVersion};
  require(::pwrite(fd.get(), header.data(), sizeof(header), 0) == sizeof(header) &&
              ::ftruncate(fd.get(), static_cast<off_t>(bytes)) == 0 &&
              ::fcntl(fd.get(), F_ADD_SEALS, seals) == 0,
          "there is memory");
  return fd;
}

UniqueFd a_pipe() {
  std::array<int, 2> ends{};
  require(::pipe2(ends.data(), O_CLOEXEC) == 0, "there are pipes");
  ::close(ends[1]);
  return UniqueFd{ends[0]};
}

// Made once: what is passed is only looked at.
int descriptor_of(Passed kind) {
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  static const Arena kBlock = make_block().value();
  static const UniqueFd kUnsealed = memory(proto::kShmBytes, F_SEAL_SHRINK | F_SEAL_GROW);
  static const UniqueFd kShort = memory(proto::kShmBytes - 4096, kSeals);
  static const UniqueFd kPipe = a_pipe();
  static const UniqueFd kDevice{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  switch (kind) {
    case Passed::kBlock: return kBlock.fd();
    case Passed::kUnsealed: return kUnsealed.get();
    case Passed::kShort: return kShort.get();
    case Passed::kPipe: return kPipe.get();
    case Passed::kDevice: return kDevice.get();
    case Passed::kNothing:
    case Passed::kKinds: return -1;
  }
  return -1;
}

// Right but for what the input changes.
std::array<std::byte, sizeof(proto::ShmHello)> near_hello(Input& input) {
  const proto::ShmHello hello{
      .receiver_nonce = kOwn.nonce, .socket = kPeer.socket, .nonce = kPeer.nonce};
  std::array<std::byte, sizeof(hello)> bytes{};
  std::memcpy(bytes.data(), &hello, sizeof(hello));
  for (auto changes = input.take<std::uint8_t>() % 3; changes > 0; --changes) {
    bytes[input.take<std::uint8_t>() % bytes.size()] ^= input.take<std::byte>();
  }
  return bytes;
}

// Whether it is one that lets in.
bool is_right(std::span<const std::byte> message, Passed passed, bool greeted) {
  proto::ShmHello hello;
  if (message.size() != sizeof(hello) || passed != Passed::kBlock) return false;
  std::memcpy(&hello, message.data(), sizeof(hello));
  const bool named = hello.socket == kPeer.socket && hello.nonce == kPeer.nonce;
  return hello.magic == proto::kShmMagic && hello.version == proto::kShmVersion &&
         hello.receiver_nonce == kOwn.nonce && (named || !greeted);
}

bool send(int socket, std::span<const std::byte> message, Passed passed) {
  if (passed != Passed::kNothing) {
    return send_with_descriptor(socket, message, descriptor_of(passed));
  }
  return ::send(socket, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

Channel::State after(Channel::State before, bool right) {
  if (before != Channel::State::kGreeting) return before;  // messages are wake-ups
  return right ? Channel::State::kOpen : Channel::State::kDead;
}

void run(Input input) {
  std::array<int, 2> ends{};
  require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0,
          "there are sockets");
  const UniqueFd stranger{ends[1]};
  Channel channel = Channel::create(UniqueFd{ends[0]}, kOwn).value();
  const bool greeted = input.take<std::uint8_t>() % 2 == 0;
  if (greeted) require(channel.greet(kPeer).has_value(), "a hello leaves");
  for (std::size_t i = 0; i < kMessagesMax && !input.empty(); ++i) {
    const auto passed =
        static_cast<Passed>(input.take<std::uint8_t>() % static_cast<std::uint8_t>(Passed::kKinds));
    const auto hello = near_hello(input);
    const auto raw = input.take_bytes(input.take<std::uint8_t>() % 64);
    const std::span<const std::byte> message = raw.empty() ? hello : raw;
    const Channel::State before = channel.state();
    if (!send(stranger.get(), message, passed)) break;
    channel.serve();
    require(channel.state() == after(before, is_right(message, passed, greeted)),
            "a right hello opens, anything else ends");
    require(channel.reader() != nullptr || channel.state() != Channel::State::kOpen,
            "there is a ring to read if it is open");
  }
}

}  // namespace
}  // namespace mapwire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  descriptor_of(Passed::kNothing);  // makes all of them
  const int lowest = ::dup(STDERR_FILENO);
  ::close(lowest);
  run(Input{data, size});
  const UniqueFd after{::dup(STDERR_FILENO)};
  require(after.get() == lowest, "no descriptor is left behind");
  return 0;
}
