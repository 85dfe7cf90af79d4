// A raw TCP socket that speaks the control protocol badly.
#pragma once

#include <gtest/gtest.h>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "control.pb.h"
#include "mapwire/endpoints/detail/asio_address.h"
#include "mapwire/endpoints/detail/frame_parser.h"
#include "mapwire/endpoints/detail/hello.h"

namespace mapwire::testing {

class Stranger {
 public:
  using tcp = asio::ip::tcp;

  // Connects to 127.0.0.1:`port`.
  explicit Stranger(std::uint16_t port) : socket_{io_} {
    socket_.connect({asio::ip::address_v4::loopback(), port});
  }
  // Takes a connection over.
  Stranger(asio::io_context& io, tcp::socket socket) : socket_{std::move(socket)} {
    EXPECT_EQ(&io, &socket_.get_executor().context());
  }

  void send(const std::string& bytes) {
    asio::error_code ignored;  // the other side may have closed already
    asio::write(socket_, asio::buffer(bytes), ignored);
  }
  void send(const proto::control::Message& message) { send(detail::frame(message)); }

  // Our Hello, as an honest peer would send it.
  proto::control::Message hello() const {
    return detail::make_hello({.local = detail::to_address(socket_.local_endpoint()),
                               .remote = detail::to_address(socket_.remote_endpoint())},
                              {.process_nonce = 1, .nic = std::string{kSoftNic}});
  }

  // The next message; one without a kind when the other side closes.
  proto::control::Message receive() {
    for (;;) {
      auto message = parser_.next();
      if (message) return *message;
      EXPECT_EQ(message.error(), Code::kWouldBlock);
      std::array<std::byte, 512> bytes{};
      asio::error_code closed;
      const std::size_t count = socket_.read_some(asio::buffer(bytes), closed);
      if (closed) return {};
      parser_.feed(std::span{bytes}.first(count));
    }
  }

  // Waits until the other side closes; true if it sent nothing before.
  bool closed_without_a_word() {
    return receive().kind_case() == proto::control::Message::KIND_NOT_SET;
  }

 private:
  asio::io_context io_;
  tcp::socket socket_;
  detail::FrameParser parser_{detail::kFrameBytesMax};
};

}  // namespace mapwire::testing
