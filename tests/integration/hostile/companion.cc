// companion HOST:PORT: an honest peer of the survivor. It sends messages on several connections and
// compares what comes back, until SIGTERM. Any error ends it as failed.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/runtime/clock.h"
#include "tests/integration/hostile/honest.h"

namespace mapwire::hostile {
namespace {

constexpr std::size_t kConnections = 4;
constexpr std::uint64_t kPatienceNs = 60'000'000'000;

class Companion {
 public:
  explicit Companion(const char* address) {
    ConnectOptions options;
    options.endpoint.private_data = {kCompanion};
    for (std::size_t i = 0; i < kConnections; ++i) {
      endpoints_.push_back(value_of(context_.connect(address, options)));
      if (endpoints_.back().info().wire != "shm") fail("is not connected over shared memory");
    }
    std::fputs("connected\n", stderr);
  }

  void run() {
    std::uint64_t rounds = 0;
    std::uint64_t longest_ns = 0;
    while (told_to_end == 0) {
      const std::uint64_t start_ns = now_ns();
      exchange(++rounds);
      longest_ns = std::max(longest_ns, now_ns() - start_ns);
      usleep(500);
    }
    std::printf("%llu rounds, the longest %.1f ms\n", static_cast<unsigned long long>(rounds),
                static_cast<double>(longest_ns) / 1e6);
  }

 private:
  static constexpr std::array<std::size_t, 6> kSizes{8, 100, 5000, 8192, 65536, 300'000};

  // A message on each connection, and its echo.
  void exchange(std::uint64_t round) {
    for (std::size_t i = 0; i < kConnections; ++i) {
      const std::size_t bytes = kSizes[(round + i) % kSizes.size()];
      std::vector<std::byte>& out = out_[i];
      out.resize(bytes);
      for (std::size_t at = 0; at < bytes; ++at) {
        out[at] = static_cast<std::byte>(round * 31 + i * 7 + at + at / 251);
      }
      in_[i].assign(bytes, std::byte{});
      expect_ok(endpoints_[i].post_receive(in_[i], i), "posting a receive");
      Code code = Code::kWouldBlock;
      while ((code = endpoints_[i].post_send(out, i)) == Code::kWouldBlock) take(kNapNs);
      expect_ok(code, "posting a send");
    }
    const std::uint64_t end_ns = now_ns() + kPatienceNs;
    while (completions_ < 2 * kConnections * round) {
      take(kNapNs);
      if (now_ns() > end_ns) fail("no answer");
    }
    if (in_ != out_) fail("other bytes came back than were sent");
  }

  void take(std::uint64_t timeout_ns) {
    std::array<Completion, 16> completions;
    const std::size_t count = context_.wait(completions, timeout_ns);
    for (const Completion& done : std::span{completions}.first(count)) {
      expect_ok(done.status, "with the survivor");
    }
    completions_ += count;
  }

  Context context_ = value_of(Context::create());
  std::vector<Endpoint> endpoints_;
  std::array<std::vector<std::byte>, kConnections> out_;
  std::array<std::vector<std::byte>, kConnections> in_;
  std::uint64_t completions_ = 0;
};

}  // namespace
}  // namespace mapwire::hostile

int main(int argc, char** argv) {
  if (argc != 2) mapwire::fail("usage: companion HOST:PORT");
  mapwire::hostile::end_when_told();
  mapwire::hostile::Companion{argv[1]}.run();
}
