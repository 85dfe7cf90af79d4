// The first message in each direction of a control link: who speaks, and from where to where.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "control.pb.h"
#include "mapwire/proto/address.h"
#include "mapwire/runtime/error.h"

namespace mapwire::detail {

inline constexpr std::uint32_t kHelloMagic = 0x4d41'5057;  // "MAPW"

// The TCP addresses of a control link as one side sees them.
struct LinkAddresses {
  proto::UdpAddress local;
  proto::UdpAddress remote;
};

// What a side says of itself.
struct Introduction {
  std::uint64_t process_nonce = 0;
  std::string nic;  // the kind of its NIC
};

proto::control::Message make_hello(const LinkAddresses& ours, const Introduction& introduction);

// Judges the peer's first message. Errors: kProtocolError (no Hello of mapwire), kVersionMismatch,
// kAddressTranslated (the peer sees other addresses than we do; it finds the same).
std::expected<void, Error> check_hello(const proto::control::Message& message,
                                       const LinkAddresses& ours);

}  // namespace mapwire::detail
