// One end of a connection on which requests of every kind stream both ways, and which says whether
// all of them completed when it ends.
//
//   stream serve ADDRESS              # serves one peer after another
//   stream connect ADDRESS [COUNT]    # until the connection fails, or COUNT requests were done
#include <array>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/runtime/clock.h"
#include "tests/test_program.h"

namespace {

using namespace mapwire;

constexpr std::size_t kBytes = 4096;
constexpr std::uint64_t kOutstandingMax = 8;  // of each kind
constexpr std::uint64_t kPatienceNs = 20'000'000'000;
constexpr std::uint64_t kNapNs = 100'000'000;

enum Kind : std::uint64_t { kReceive, kSend, kWrite, kRead, kKinds };

class Stream {
 public:
  Stream(Context& context, Endpoint endpoint, const MemoryRegion& memory)
      : context_{context}, endpoint_{std::move(endpoint)}, memory_{memory} {
    if (endpoint_.private_data().size() != sizeof(peer_)) fail("the peer is no stream");
    std::memcpy(&peer_, endpoint_.private_data().data(), sizeof(peer_));
  }

  // Until the endpoint has failed or so many requests are done; then all must complete.
  void run(std::uint64_t count);

 private:
  Code post(Kind kind);
  void post_all();
  void take(std::uint64_t timeout_ns);
  std::uint64_t outstanding() const { return posted_ - completed_; }

  Context& context_;
  Endpoint endpoint_;
  const MemoryRegion& memory_;
  RemoteBuffer peer_;
  std::array<std::uint64_t, kKinds> under_way_{};
  std::uint64_t posted_ = 0;
  std::uint64_t completed_ = 0;
  bool failed_ = false;
};

Code Stream::post(Kind kind) {
  const MutableBuffer buffer = memory_.slice(kind * kBytes, kBytes);
  const RemoteBuffer remote = peer_.at(kind * kBytes);
  switch (kind) {
    case kReceive: return endpoint_.post_receive(buffer, kind);
    case kSend: return endpoint_.post_send(buffer, kind);
    case kWrite: return endpoint_.post_write(buffer, remote, kind);
    case kRead: return endpoint_.post_read(buffer, remote, kind);
    case kKinds: break;
  }
  std::abort();
}

void Stream::post_all() {
  for (const Kind kind : {kReceive, kSend, kWrite, kRead}) {
    while (under_way_[kind] < kOutstandingMax) {
      const Code code = post(kind);
      if (code == Code::kWouldBlock) break;
      if (code != Code::kOk) fail(name(code));
      ++under_way_[kind];
      ++posted_;
    }
  }
}

void Stream::take(std::uint64_t timeout_ns) {
  std::array<Completion, 16> batch;
  const std::size_t count = context_.wait(batch, timeout_ns);
  for (const Completion& completion : std::span{batch}.first(count)) {
    if (completion.endpoint != endpoint_.id()) fail("a completion of another connection");
    if (under_way_[completion.cookie]-- == 0) fail("a request completed twice");
    ++completed_;
    failed_ = failed_ || completion.status != Code::kOk;
  }
}

void Stream::run(std::uint64_t count) {
  std::fprintf(stderr, "streaming over %s\n", endpoint_.info().nic.c_str());
  while (!failed_ && completed_ < count) {
    post_all();
    take(kNapNs);
  }
  if (!failed_) endpoint_.close();
  const std::uint64_t until_ns = now_ns() + kPatienceNs;
  while (outstanding() > 0 && now_ns() < until_ns) take(kNapNs);
  const auto error = endpoint_.error();
  const std::string_view end = failed_ && error ? name(error->code) : "closed";
  std::fprintf(stderr, "ended: %.*s; %" PRIu64 " of %" PRIu64 " requests completed\n",
               static_cast<int>(end.size()), end.data(), completed_, posted_);
  if (outstanding() > 0) fail("requests are left");
}

std::vector<std::byte> to_private_data(const RemoteBuffer& memory) {
  std::vector<std::byte> bytes(sizeof(memory));
  std::memcpy(bytes.data(), &memory, sizeof(memory));
  return bytes;
}

void serve(Context& context, const char* address, const MemoryRegion& memory) {
  auto listener = value_of(context.listen(
      {.address = address, .endpoint = {.private_data = to_private_data(memory.remote())}}));
  std::fprintf(stderr, "listening\n");
  while (true) Stream{context, value_of(listener.accept(UINT64_MAX)), memory}.run(UINT64_MAX);
}

void connect(Context& context, const char* address, const MemoryRegion& memory,
             std::uint64_t count) {
  auto endpoint = value_of(
      context.connect(address, {.endpoint = {.private_data = to_private_data(memory.remote())}}));
  Stream{context, std::move(endpoint), memory}.run(count);
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> words{argv, static_cast<std::size_t>(argc)};
  if (words.size() < 3) fail("usage: stream serve|connect ADDRESS [COUNT]");
  auto context = value_of(Context::create());
  const auto memory =
      value_of(context.allocate(kKinds * kBytes, {.remote_read = true, .remote_write = true}));
  if (words[1] == std::string_view{"serve"}) {
    serve(context, words[2], memory);
  } else {
    connect(context, words[2], memory,
            words.size() > 3 ? std::strtoull(words[3], nullptr, 10) : UINT64_MAX);
  }
}
