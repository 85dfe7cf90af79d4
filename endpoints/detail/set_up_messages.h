// What the two sides tell each other of an endpoint, to and from control messages. No I/O; whatever
// the peer wrote is checked here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <vector>

#include "control.pb.h"
#include "mapwire/endpoints/detail/endpoint_impl.h"
#include "mapwire/endpoints/detail/exports.h"
#include "mapwire/endpoints/detail/lease.h"
#include "mapwire/endpoints/endpoint.h"
#include "mapwire/proto/address.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"

namespace mapwire::detail {

inline constexpr int kCandidatesMax = 8;  // of one side

// One side's endpoint, as the other side gets to know it.
struct Offer {
  Profile profile = Profile::kMapwire;  // in a request
  QueuePairAddress address;
  bool foreign = false;    // the peer's NIC is of another kind than ours
  bool shm_alone = false;  // the peer takes no other wire
  PeerTerms terms;
  std::uint64_t deadline_ns = 0;
  std::vector<std::byte> private_data;
  std::optional<WindowTerms> exported{};  // in the reply to an import
  bool key_passed = false;                // its key comes another way (window_passing.h)
};

// The messages of `endpoint`. The request names all ways to reach it, or shared memory alone; the
// reply the one it is on.
proto::control::Message make_request(std::uint32_t connection, const Endpoint::Impl& endpoint,
                                     const NicAttributes& nic, bool shm_alone);
proto::control::Message make_reply(std::uint32_t connection, const Endpoint::Impl& endpoint,
                                   const NicAttributes& nic);
// What makes a request that of an import, and a reply the answer to it.
void add_import(proto::control::Message& request, const Import& wanted);
void add_exported(proto::control::Message& reply, const WindowTerms& terms, bool key_passed);
Import read_import(const proto::control::Import& wanted);
proto::control::Message make_refusal(std::uint32_t connection, const Error& error);
proto::control::Message make_probe_result(std::uint32_t connection, Code code);
proto::control::Message make_lease(std::uint32_t connection, const LeaseMessage& lease);
proto::control::Message make_disconnect(std::uint32_t connection, Code code);

// `remote` is where the control link comes from: packets go there and nowhere else, whatever the
// message says. Errors: kProtocolError (a value no honest peer sends), kNoUsableNic.
std::expected<Offer, Error> read_request(const proto::control::ConnectRequest& request,
                                         const NicAttributes& nic, const proto::IpAddress& remote);
// Likewise; and kPeerRefused or the code in a refusal.
std::expected<Offer, Error> read_reply(const proto::control::ConnectReply& reply,
                                       const NicAttributes& nic, const proto::IpAddress& remote);

// Nothing: no honest peer sends it.
std::optional<LeaseMessage> read_lease(const proto::control::Lease& lease);

// A code that a peer sent; kPeerRefused for a number that is none.
Code read_code(std::uint32_t number);

}  // namespace mapwire::detail
