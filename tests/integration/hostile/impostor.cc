#include "tests/integration/hostile/impostor.h"

#include <poll.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "mapwire/nic_fw/shm/descriptor_passing.h"
#include "mapwire/nic_fw/shm/meeting_place.h"
#include "tests/test_program.h"

namespace mapwire::hostile {
namespace {

constexpr int kPatienceMs = 60'000;

void await(int fd, const char* what) {
  pollfd event{.fd = fd, .events = POLLIN, .revents = 0};
  if (::poll(&event, 1, kPatienceMs) != 1) fail(what);
}

}  // namespace

Impostor::Impostor(Attack& attack)
    : self_{.socket = attack.random() | 1, .nonce = attack.random()},
      listener_{nic_fw::shm::listen_at(self_.socket, 1)},
      link_{attack.port} {
  if (!listener_) fail("can not be met");
  link_.send(link_.hello());
  if (!link_.receive().has_hello()) fail("was told no hello");
  ask();
  await_hello();
  begin();
}

void Impostor::ask() {
  proto::control::Message message;
  auto& request = *message.mutable_connect_request();
  request.set_connection(1);
  request.set_receive_entries(64);
  request.set_deadline_ns(1'000'000'000);
  auto& candidate = *request.add_candidates();
  candidate.set_nic("soft");
  candidate.set_wire("shm");
  candidate.mutable_shared_memory()->set_socket(self_.socket);
  candidate.mutable_shared_memory()->set_nonce(self_.nonce);
  candidate.mutable_queue_pair()->set_ip(std::string{"\x7f\x00\x00\x01", 4});
  candidate.mutable_queue_pair()->set_udp_port(9);
  candidate.mutable_queue_pair()->set_qpn(5);
  candidate.mutable_queue_pair()->set_path_mtu_max(4096);
  link_.send(message);
}

void Impostor::await_hello() {
  await(listener_.get(), "the victim does not come");
  socket_ = UniqueFd{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  await(socket_.get(), "the victim says no hello");
  proto::ShmHello hello;
  auto received = nic_fw::shm::receive_with_descriptor(
      socket_.get(), std::as_writable_bytes(std::span{&hello, 1}));
  if (!received || received->bytes != sizeof(hello) || !received->descriptor) {
    fail("the victim says another hello");
  }
  block_ = std::move(received->descriptor);
  victim_ = {.socket = hello.socket, .nonce = hello.nonce};
}

void Impostor::expect_sent_away() const {
  std::byte byte{};
  do {
    await(socket(), "is not sent away");
  } while (::recv(socket(), &byte, sizeof(byte), 0) > 0);
}

}  // namespace mapwire::hostile
