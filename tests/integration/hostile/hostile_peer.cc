// A peer that does one bad thing to the process that listens at 127.0.0.1:PORT.
//
//   hostile_peer                   # tells the deeds there are, one a line
//   hostile_peer PORT DEED SEED    # ends with 0 unless something was let pass that must not be
#include <cstdint>
#include <cstdio>
#include <string>

#include "tests/integration/hostile/deeds.h"
#include "tests/test_program.h"

int main(int argc, char** argv) {
  using namespace mapwire;
  auto deeds = hostile::insider_deeds();
  deeds.merge(hostile::garbage_deeds());
  deeds.merge(hostile::impostor_deeds());
  if (argc == 1) {
    for (const auto& [name, deed] : deeds) std::puts(name.c_str());
    return 0;
  }
  if (argc != 4 || !deeds.contains(argv[2])) fail("usage: hostile_peer [PORT DEED SEED]");
  hostile::Attack attack{.address = std::string{"127.0.0.1:"} + argv[1],
                         .port = static_cast<std::uint16_t>(std::stoul(argv[1])),
                         .random = std::mt19937_64{std::stoull(argv[3])}};
  deeds.at(argv[2])(attack);
}
