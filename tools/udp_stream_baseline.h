// The limit of bw over wire udp: a stream of datagrams from one socket to another, with the
// kernel's offloads where it has them.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <atomic>
#include <stop_token>
#include <vector>

#include "tools/baseline.h"
#include "tools/loopback_socket.h"
#include "tools/stream_shape.h"

namespace mapwire::tools {

class UdpStreamBaseline : public BandwidthBaseline {
 public:
  // Datagrams of `segment_bytes`, 1 to 4096. Without `offload` as on a kernel that has none.
  // Errors: kSystemCall.
  static std::expected<std::unique_ptr<BandwidthBaseline>, Error> create(std::size_t segment_bytes,
                                                                         int far_processor,
                                                                         bool offload = true);

  std::string_view name() const override {
    return shape_.offload ? "udp_stream_offload" : "udp_stream";
  }
  std::expected<void, Error> measure(std::uint64_t duration_ns) override;

 private:
  // The arguments of sendmmsg and recvmmsg, which are the same each time.
  struct Messages {
    Messages(std::size_t count, std::size_t bytes, const sockaddr_in* address);
    Messages(const Messages&) = delete;  // its members point at each other
    Messages& operator=(const Messages&) = delete;
    sockaddr_in destination{};
    std::vector<std::byte> buffer;
    std::vector<iovec> pieces;
    std::vector<mmsghdr> headers;
  };

  UdpStreamBaseline(LoopbackSocket near, LoopbackSocket far, const StreamShape& shape,
                    int far_processor);
  [[nodiscard]] bool stream(std::uint64_t duration_ns);
  [[nodiscard]] bool send_batch();
  [[nodiscard]] bool await_room(std::uint64_t bytes);
  void receive(const std::stop_token& stop);

  LoopbackSocket near_;
  LoopbackSocket far_;
  StreamShape shape_;
  int far_processor_;
  Messages outgoing_;
  Messages incoming_;
  std::uint64_t sent_ = 0;  // bytes, in all
  int os_errno_ = 0;        // of a send
  // Both ends live in one process, so the window costs no packets. In a cache line of its own.
  alignas(64) std::atomic<std::uint64_t> received_ = 0;
};

}  // namespace mapwire::tools
