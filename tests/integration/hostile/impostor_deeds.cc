// The deeds of who speaks the wire himself. Most of them have to see the socket closed.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "mapwire/nic_fw/shm/block.h"
#include "mapwire/nic_fw/shm/meeting_place.h"
#include "tests/integration/hostile/flood.h"
#include "tests/integration/hostile/impostor.h"
#include "tests/integration/hostile/refused.h"
#include "tests/test_program.h"

namespace mapwire::hostile {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

// With the header of a block.
UniqueFd memory(std::size_t bytes, int seals) {
  UniqueFd fd{::memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  const std::array header{proto::kShmMagic, proto::kShmVersion};
  if (::pwrite(fd.get(), header.data(), sizeof(header), 0) != sizeof(header) ||
      ::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0 ||
      ::fcntl(fd.get(), F_ADD_SEALS, seals) != 0) {
    fail("can make no memory");
  }
  return fd;
}

UniqueFd a_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("can make no pipe");
  ::close(ends[1]);
  return UniqueFd{ends[0]};
}

// What is no block of a peer.
UniqueFd wrong_descriptor(std::mt19937_64& random) {
  switch (random() % 5) {
    case 0: return memory(proto::kShmBytes, F_SEAL_SEAL);
    case 1: return memory(random() % (2 * proto::kShmBytes), kSeals);  // not of 1 in a million runs
    case 2: return a_pipe();
    case 3: return UniqueFd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    default: return UniqueFd{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
  }
}

void wrong_block(Attack& attack) {
  const Impostor impostor{attack};
  send_hello(impostor.socket(), impostor.hello(), wrong_descriptor(attack.random).get());
  impostor.expect_sent_away();
}

void no_block(Attack& attack) {
  const Impostor impostor{attack};
  const proto::ShmHello hello = impostor.hello();
  ::send(impostor.socket(), &hello, sizeof(hello), MSG_NOSIGNAL);
  impostor.expect_sent_away();
}

void many_blocks(Attack& attack) {
  const Impostor impostor{attack};
  const Arena block = nic_fw::shm::make_block().value();
  send_hello(impostor.socket(), impostor.hello(), block.fd(),
             2 + attack.random() % (kDescriptorsMax - 1));
  impostor.expect_sent_away();
}

void half_a_hello(Attack& attack) {
  const Impostor impostor{attack};
  const proto::ShmHello hello = impostor.hello();
  ::send(impostor.socket(), &hello, attack.random() % sizeof(hello), MSG_NOSIGNAL);
  impostor.expect_sent_away();
}

void junk_for_a_hello(Attack& attack) {
  const Impostor impostor{attack};
  for (int i = 0; i < 40; ++i) send_junk(impostor.socket(), attack.random);
  impostor.expect_sent_away();
}

void another_name(Attack& attack) {
  const Impostor impostor{attack};
  const Arena block = nic_fw::shm::make_block().value();
  proto::ShmHello hello = impostor.hello();
  std::array<std::uint64_t*, 3> fields{&hello.receiver_nonce, &hello.socket, &hello.nonce};
  *fields[attack.random() % fields.size()] ^= 1;
  send_hello(impostor.socket(), hello, block.fd());
  impostor.expect_sent_away();
}

void silence(Attack& attack) {
  const Impostor impostor{attack};
  for_a_while(attack, [] { usleep(1000); });
}

// The memory that it was given is the victim's.
void cut_the_victims_block(Attack& attack) {
  const Impostor impostor{attack};
  expect_sealed(impostor.block());
}

// Let in with a block of garbage, which goes on changing and has holes at times.
void let_in_with_garbage(Attack& attack) {
  const Impostor impostor{attack};
  const UniqueFd file = memory(proto::kShmBytes, kSeals);
  void* mapped =
      ::mmap(nullptr, proto::kShmBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED) fail("can not map memory");
  send_hello(impostor.socket(), impostor.hello(), file.get());
  const std::span words{static_cast<std::uint64_t*>(mapped), proto::kShmBytes / 8};
  for_a_while(attack, [&] {
    words[attack.random() % words.size()] = attack.random();
    if (attack.random() % 64 == 0) {
      ::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, proto::kShmBytes);
    }
    if (attack.random() % 64 == 0) ::send(impostor.socket(), "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  });
}

// More of them than may wait, who know the nonce; some say hello, and some of these are let in.
void strangers(Attack& attack) {
  const Impostor impostor{attack};
  const Arena block = nic_fw::shm::make_block().value();
  std::vector<UniqueFd> sockets;
  for_a_while(attack, [&] {
    sockets.push_back(nic_fw::shm::connect_to(impostor.victim().socket));
    if (!sockets.back()) usleep(1000);  // too many wait
    const int socket = sockets.back().get();
    proto::ShmHello hello = impostor.hello();
    if (attack.random() % 2 == 0) hello.socket = attack.random();
    switch (attack.random() % 6) {
      case 0: send_hello(socket, hello, block.fd()); break;
      case 1: send_hello(socket, hello, wrong_descriptor(attack.random).get()); break;
      case 2: send_junk(socket, attack.random); break;
      case 3: send_descriptors(socket, kDescriptorsMax); break;
      case 4:
        ++hello.receiver_nonce;
        send_hello(socket, hello, block.fd());
        break;
      default: break;  // silence
    }
    if (sockets.size() > 200) sockets.erase(sockets.begin(), sockets.begin() + 100);
  });
}

}  // namespace

std::map<std::string, Deed> impostor_deeds() {
  return {{"wrong_block", wrong_block},
          {"no_block", no_block},
          {"many_blocks", many_blocks},
          {"half_a_hello", half_a_hello},
          {"junk_for_a_hello", junk_for_a_hello},
          {"another_name", another_name},
          {"silence", silence},
          {"cut_the_victims_block", cut_the_victims_block},
          {"let_in_with_garbage", let_in_with_garbage},
          {"strangers", strangers}};
}

}  // namespace mapwire::hostile
