// A peer that was let in: it uses the library, and has requests of all sizes under way.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "tests/integration/hostile/deeds.h"
#include "tests/test_program.h"

namespace mapwire::hostile {

class Insider {
 public:
  explicit Insider(Attack& attack)
      : random_{attack.random}, endpoint_{value_of(context_.connect(attack.address))} {
    if (endpoint_.info().wire != "shm") fail("is not connected over shared memory");
    std::memcpy(&open_, endpoint_.private_data().data(), sizeof(open_));
    begin();
  }

  // Posts something, and takes what has come. What fails is no concern of a hostile peer.
  void use(std::size_t bytes_max) {
    const std::size_t bytes = random_() % bytes_max;
    const std::span memory{memory_.data(), bytes};
    [[maybe_unused]] Code code = endpoint_.post_receive(memory, 0);
    switch (random_() % 4) {
      case 0: code = endpoint_.post_read(memory, open_, 0); break;
      case 1: code = endpoint_.post_write(memory, open_, 0); break;
      default: code = endpoint_.post_send(memory, 0);
    }
    std::array<Completion, 16> completions;
    context_.poll(completions);
  }
  void use_small() { use(64); }
  void use_large() { use(memory_.size()); }

  const RemoteBuffer& open() const { return open_; }

 private:
  std::mt19937_64& random_;
  std::vector<std::byte> memory_ = std::vector<std::byte>(1 << 20);
  Context context_ = value_of(Context::create());
  Endpoint endpoint_;
  RemoteBuffer open_;
};

}  // namespace mapwire::hostile
