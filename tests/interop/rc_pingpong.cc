// The other end of an unmodified ibv_rc_pingpong, on the soft NIC: either role, any of its sizes.
// That program receives into the buffer it sends from, so what comes back is what was sent to it,
// and each message is compared with that.
//
//   rc_pingpong LOCAL REMOTE                     # serves REMOTE
//   rc_pingpong LOCAL REMOTE --connect HOST      # is the client of a server at TCP host HOST
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <asio/ip/address.hpp>

#include "mapwire/endpoints/detail/asio_address.h"
#include "mapwire/nic_fw/soft_nic.h"
#include "mapwire/nic_fw/udp_wire.h"
#include "mapwire/proto/headers.h"
#include "mapwire/runtime/clock.h"
#include "mapwire/runtime/error.h"
#include "tests/interop/pingpong_exchange.h"
#include "tests/test_program.h"

namespace mapwire::interop {
namespace {

constexpr std::uint64_t kPatienceNs = 60 * kNanosecondsPerSecond;
// The peer's last acknowledgement may be lost, and it asks for it again.
constexpr std::uint64_t kLingerNs = kNanosecondsPerSecond;
constexpr int kFirstByte = 0x7b;  // of all that a server of the other make sends unasked

struct Options {
  std::string local;
  std::string remote;
  std::string host;  // empty: serve
  std::uint16_t tcp_port = 18515;
  std::uint32_t size_bytes = 4096;
  std::uint32_t iterations = 1000;
  std::uint32_t path_mtu = 1024;
};

class Pingpong {
 public:
  Pingpong(Nic& nic, const Options& options)
      : nic_{nic},
        options_{options},
        sent_(options.size_bytes, std::byte{kFirstByte}),
        received_(options.size_bytes) {}

  void connect();
  void run();
  void linger();

 private:
  static proto::Sge sge(std::span<std::byte> bytes) {
    return {.address = reinterpret_cast<std::uint64_t>(bytes.data()),
            .bytes = static_cast<std::uint32_t>(bytes.size())};
  }
  void post_receive();
  void send(std::uint32_t round);
  void await_message(std::uint32_t round);
  void await(int& done);
  void poll_or_sleep(std::uint64_t until_ns);

  Nic& nic_;
  const Options& options_;
  Qpn qpn_ = 0;
  std::vector<std::byte> sent_;
  std::vector<std::byte> received_;
  int receives_done_ = 0;
  int sends_done_ = 0;
};

void Pingpong::connect() {
  const auto local = detail::to_ip(asio::ip::make_address(options_.local));
  const auto remote = detail::to_ip(asio::ip::make_address(options_.remote));
  const auto own = value_of(nic_.open_queue_pair(
      {.deadline_ns = kPatienceNs, .rnr_deadline_ns = kPatienceNs}, local, remote));
  qpn_ = own.qpn;
  post_receive();
  const PingpongAddress line{.qpn = own.qpn, .first_psn = own.first_psn, .ip = local};
  const auto peer = options_.host.empty()
                        ? exchange_as_server(options_.tcp_port, line)
                        : exchange_as_client(options_.host, options_.tcp_port, line);
  if (!peer) fail(peer.error());
  if (peer->ip != remote) fail("the peer's GID is that of " + proto::to_string(peer->ip));
  const QueuePairPeer foreign{.address = {.udp = {.ip = peer->ip, .port = proto::kRocePort},
                                          .qpn = peer->qpn,
                                          .first_psn = peer->first_psn,
                                          .path_mtu_max = options_.path_mtu,
                                          .read_atomic_max = 1},
                              .path_mtu = options_.path_mtu,
                              .foreign = true};
  auto connected = nic_.connect_queue_pair(qpn_, foreign, now_ns());
  if (!connected) fail(connected.error().message);
}

void Pingpong::post_receive() {
  proto::ReceiveDescriptor descriptor{.sge_count = 1};
  descriptor.sge[0] = sge(received_);
  if (!nic_.post_receive(qpn_, descriptor, now_ns())) fail("no room for a receive");
}

void Pingpong::send(std::uint32_t round) {
  for (std::size_t i = 0; i < sent_.size(); ++i) {
    sent_[i] = static_cast<std::byte>((i * 131 + i / 251 + round * 17) & 0xff);
  }
  proto::SendDescriptor descriptor{.sge_count = 1};
  descriptor.sge[0] = sge(sent_);
  if (!nic_.post_send(qpn_, descriptor, now_ns())) fail("no room for a send");
}

void Pingpong::poll_or_sleep(std::uint64_t until_ns) {
  std::array<proto::CompletionEntry, 4> batch;
  const std::size_t count = nic_.poll(batch, now_ns()).completions;
  for (const auto& completion : std::span{batch}.first(count)) {
    const Code status{completion.status};
    if (status != Code::kOk) fail(code_entry(status).meaning);
    if (completion.opcode == proto::WorkOpcode::kReceive) {
      if (completion.bytes != received_.size()) fail("a message of another length");
      ++receives_done_;
    } else {
      ++sends_done_;
    }
  }
  if (count > 0) return;
  pollfd event{.fd = nic_.event_fd(), .events = POLLIN, .revents = 0};
  const std::uint64_t now = now_ns();
  const std::uint64_t wake_ns = std::min(until_ns, nic_.next_deadline_ns());
  const std::uint64_t sleep_ns = wake_ns > now ? wake_ns - now : 0;
  const timespec timeout{.tv_sec = static_cast<time_t>(sleep_ns / kNanosecondsPerSecond),
                         .tv_nsec = static_cast<long>(sleep_ns % kNanosecondsPerSecond)};
  ::ppoll(&event, 1, &timeout, nullptr);
}

void Pingpong::await(int& done) {
  const std::uint64_t until_ns = now_ns() + kPatienceNs;
  while (done == 0) {
    if (now_ns() > until_ns) fail("the peer has stopped");
    poll_or_sleep(until_ns);
  }
  --done;
}

void Pingpong::await_message(std::uint32_t round) {
  await(receives_done_);
  if (received_ != sent_) fail("message " + std::to_string(round) + " has other bytes");
  post_receive();
}

void Pingpong::run() {
  const bool serve = options_.host.empty();
  for (std::uint32_t round = 0; round < options_.iterations; ++round) {
    if (serve) await_message(round);
    send(round);
    await(sends_done_);
    if (!serve) await_message(round);
  }
}

void Pingpong::linger() {
  const std::uint64_t until_ns = now_ns() + kLingerNs;
  while (now_ns() < until_ns) poll_or_sleep(until_ns);
}

Options parse(int argc, char** argv) {
  Options options;
  CLI::App app{"The other end of ibv_rc_pingpong, on the soft NIC"};
  app.add_option("local", options.local, "Own address")->required();
  app.add_option("remote", options.remote, "The peer's address, which its GID is made of")
      ->required();
  app.add_option("--connect", options.host, "TCP address of the server; without it, serve");
  app.add_option("-p,--port", options.tcp_port, "TCP port");
  app.add_option("-s,--size", options.size_bytes, "Bytes of a message")
      ->check(CLI::Range(1, 1 << 26));
  app.add_option("-n,--iterations", options.iterations, "Messages each way");
  app.add_option("-m,--mtu", options.path_mtu, "Path MTU, the same on both sides");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : 2);
  }
  return options;
}

void play(const Options& options) {
  auto wire = value_of(nic_fw::make_udp_wire({.port = proto::kRocePort}, nullptr));
  auto nic = value_of(nic_fw::make_soft_nic({}, std::move(wire), nullptr));
  Pingpong pingpong{*nic, options};
  pingpong.connect();
  pingpong.run();
  std::printf("%u messages each way, verified\n", options.iterations);
  std::fflush(stdout);
  pingpong.linger();
}

}  // namespace
}  // namespace mapwire::interop

int main(int argc, char** argv) {
  try {
    mapwire::interop::play(mapwire::interop::parse(argc, argv));
  } catch (const std::exception& error) {  // no memory, say
    mapwire::fail(error.what());
  }
  return EXIT_SUCCESS;
}
