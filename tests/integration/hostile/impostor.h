// A peer made by hand: it asks for a connection over TCP like an honest one, is met by the victim
// in shared memory, and has not said hello yet.
#pragma once

#include <cstdint>

#include "mapwire/proto/shm_wire.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/unique_fd.h"
#include "tests/endpoints/stranger.h"
#include "tests/integration/hostile/deeds.h"

namespace mapwire::hostile {

class Impostor {
 public:
  // Returns when the victim has said its hello.
  explicit Impostor(Attack& attack);

  int socket() const { return socket_.get(); }
  // The victim's.
  int block() const { return block_.get(); }
  // Where it is met, by strangers too.
  const SharedMemoryAddress& victim() const { return victim_; }
  // The one it waits for.
  proto::ShmHello hello() const {
    return {.receiver_nonce = victim_.nonce, .socket = self_.socket, .nonce = self_.nonce};
  }

  // Waits until the victim has closed the socket; fails the program if it does not.
  void expect_sent_away() const;

 private:
  void ask();
  void await_hello();

  SharedMemoryAddress self_;
  UniqueFd listener_;
  testing::Stranger link_;
  UniqueFd socket_;
  UniqueFd block_;
  SharedMemoryAddress victim_;
};

}  // namespace mapwire::hostile
