// The deeds of a peer that was let in: honest traffic, to be killed in, and what else it has to
// send over the socket.
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>

#include "tests/integration/hostile/deeds.h"
#include "tests/integration/hostile/flood.h"
#include "tests/integration/hostile/insider.h"
#include "tests/integration/hostile/own_wire.h"
#include "tests/integration/hostile/refused.h"
#include "tests/test_program.h"

namespace mapwire::hostile {
namespace {

void idle(Attack& attack) {
  Insider insider{attack};
  for_a_while(attack, [&] { usleep(1000); });
}

void stream_small_messages(Attack& attack) {
  Insider insider{attack};
  for_a_while(attack, [&] { insider.use_small(); });
}

void stream_large_messages(Attack& attack) {
  Insider insider{attack};
  for_a_while(attack, [&] { insider.use_large(); });
}

void cut_blocks(Attack& attack) {
  Insider insider{attack};
  for (const int fd : block_descriptors()) expect_sealed(fd);
  if (peer_blocks().empty()) fail("has no block of its peer");
  for (const auto block : peer_blocks()) expect_read_only(block);
  insider.use_small();
}

void junk_on_the_socket(Attack& attack) {
  Insider insider{attack};
  for_a_while(attack, [&] {
    insider.use_small();
    for (const int socket : channel_sockets()) send_junk(socket, attack.random);
  });
}

void descriptors_on_the_socket(Attack& attack) {
  Insider insider{attack};
  for_a_while(attack, [&] {
    insider.use_small();
    for (const int socket : channel_sockets()) send_descriptors(socket, kDescriptorsMax);
  });
}

void hello_again(Attack& attack) {
  Insider insider{attack};
  for_a_while(attack, [&] {
    insider.use_small();
    for (const int block : block_descriptors()) {
      for (const int socket : channel_sockets()) {
        send_hello(socket, {.nonce = attack.random()}, block);
      }
    }
  });
}

void end_the_socket(Attack& attack) {
  Insider insider{attack};
  for (const int socket : channel_sockets()) ::shutdown(socket, SHUT_RDWR);
  for_a_while(attack, [&] { insider.use_small(); });
}

}  // namespace

std::map<std::string, Deed> insider_deeds() {
  return {{"idle", idle},
          {"stream_small_messages", stream_small_messages},
          {"stream_large_messages", stream_large_messages},
          {"cut_blocks", cut_blocks},
          {"junk_on_the_socket", junk_on_the_socket},
          {"descriptors_on_the_socket", descriptors_on_the_socket},
          {"hello_again", hello_again},
          {"end_the_socket", end_the_socket}};
}

}  // namespace mapwire::hostile
