#include "tests/bench/growth/end.h"

#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "tests/test_program.h"

namespace mapwire::growth {
namespace {

void require(Code code) {
  if (code != Code::kOk) fail(code_entry(code).meaning);
}

}  // namespace

void End::add(Endpoint endpoint) {
  endpoints_.push_back(std::move(endpoint));
  const std::size_t receives = endpoints_.size() == 1 ? kReceives : 1;
  for (std::size_t slot = 0; slot < receives; ++slot) post_receive(endpoints_.back(), slot);
}

void End::post_receive(Endpoint& endpoint, std::size_t slot) {
  require(endpoint.post_receive(MutableBuffer{(*slots_)[slot]}, slot));
}

void End::post_send(std::span<const std::byte> message) {
  Code code = Code::kWouldBlock;
  while ((code = endpoints_.front().post_send(message, 0)) == Code::kWouldBlock) poll();
  require(code);
  ++outstanding_;
}

void End::poll() {
  std::array<Completion, 16> completions;
  const std::size_t count = context_.poll(completions);
  for (const Completion& done : std::span{completions}.first(count)) {
    require(done.status);
    if (done.operation == Operation::kReceive) {
      arrived_.push_back(done.cookie);
    } else {
      --outstanding_;
    }
  }
}

End::Slot End::next_message() {
  while (arrived_.empty()) poll();
  const std::size_t slot = arrived_.front();
  arrived_.pop_front();
  const Slot message = (*slots_)[slot];
  post_receive(endpoints_.front(), slot);
  return message;
}

}  // namespace mapwire::growth
