// The limit of ping over wire udp: one datagram to and fro between two sockets that are polled
// without a rest.
#pragma once

#include <stop_token>
#include <vector>

#include "tools/baseline.h"
#include "tools/loopback_socket.h"

namespace mapwire::tools {

class UdpLatencyBaseline : public LatencyBaseline {
 public:
  // Errors: kSystemCall. Precondition: both sizes are 1 to kDatagramBytesMax.
  static std::expected<std::unique_ptr<LatencyBaseline>, Error> create(std::size_t bytes_there,
                                                                       std::size_t bytes_back,
                                                                       int far_processor);

  std::string_view name() const override { return "udp_ping_pong"; }
  std::expected<void, Error> measure(std::uint64_t duration_ns) override;

 private:
  // One end.
  struct End {
    LoopbackSocket socket;
    std::vector<std::byte> outgoing;
    std::vector<std::byte> incoming;
  };

  UdpLatencyBaseline(End near, End far, int far_processor);
  [[nodiscard]] bool round_trip();
  void echo(const std::stop_token& stop);

  End near_;
  End far_;
  int far_processor_;
  int os_errno_ = 0;  // of a send at the near end
};

}  // namespace mapwire::tools
