#include "mapwire/endpoints/detail/set_up_messages.h"

#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "mapwire/endpoints/detail/ip_bytes.h"
#include "mapwire/proto/packet.h"

namespace mapwire::detail {
namespace {

namespace control = proto::control;

constexpr std::uint32_t kQpnMax = (1U << 24) - 1;  // QPNs and PSNs have 24 bits
constexpr std::uint32_t kReceiveEntriesMax = 4096;
constexpr std::uint64_t kPeerDeadlineMinNs = 1'000'000;
constexpr std::uint64_t kLeaseBytesMax = std::uint64_t{1} << 40;
constexpr std::uint32_t kRightRead = 1;  // of an exported buffer
constexpr std::uint32_t kRightWrite = 2;
constexpr std::uint32_t kRightAtomics = 4;

std::unexpected<Error> malformed(std::string_view what) {
  return std::unexpected(Error::make(
      Code::kProtocolError, ErrorScope::kEndpoint,
      fmt::format("set-up message: {} is out of range; check that the peer is mapwire", what)));
}

void fill(control::Candidate& candidate, const Endpoint::Impl& endpoint, std::string_view nic,
          std::string_view wire) {
  const QueuePairAddress& address = endpoint.address();
  candidate.set_nic(std::string{nic});
  candidate.set_wire(std::string{wire});
  if (wire == kShmWire) {
    candidate.mutable_shared_memory()->set_socket(address.shared_memory.socket);
    candidate.mutable_shared_memory()->set_nonce(address.shared_memory.nonce);
  }
  control::QueuePair& pair = *candidate.mutable_queue_pair();
  pair.set_ip(ip_bytes(address.udp.ip));
  pair.set_udp_port(address.udp.port);
  pair.set_qpn(address.qpn);
  pair.set_first_psn(address.first_psn);
  pair.set_path_mtu_max(address.path_mtu_max);
  pair.set_read_atomic_max(address.read_atomic_max);
}

// What a request and a reply have in common.
template <class Message>
void fill_common(Message& message, std::uint32_t connection, const Endpoint::Impl& endpoint) {
  const std::vector<std::byte>& data = endpoint.options().private_data;
  message.set_connection(connection);
  message.mutable_words()->set_address(endpoint.words().address);
  message.mutable_words()->set_rkey(endpoint.words().rkey);
  message.set_private_data(data.data(), data.size());
  message.set_receive_entries(endpoint.options().receive_entries);
  message.set_deadline_ns(endpoint.options().deadline_ns);
}

template <class Message>
std::expected<Offer, Error> read_common(const Message& message) {
  if (message.private_data().size() > kPrivateDataBytesMax) return malformed("private data");
  if (message.receive_entries() == 0 || message.receive_entries() > kReceiveEntriesMax) {
    return malformed("receive entries");
  }
  if (message.deadline_ns() < kPeerDeadlineMinNs) return malformed("deadline");
  if (message.words().address() % sizeof(std::uint64_t) != 0) return malformed("words");
  Offer offer;
  offer.terms = {.words = {.address = message.words().address(),
                           .bytes = sizeof(proto::PeerWords),
                           .rkey = message.words().rkey()},
                 .receive_entries = message.receive_entries()};
  offer.deadline_ns = message.deadline_ns();
  const auto data = std::as_bytes(std::span{message.private_data()});
  offer.private_data.assign(data.begin(), data.end());
  return offer;
}

std::expected<QueuePairAddress, Error> read_address(const control::QueuePair& pair,
                                                    const proto::IpAddress& remote) {
  if (pair.ip() != ip_bytes(remote)) return malformed("address of the queue pair");
  if (pair.udp_port() == 0 || pair.udp_port() > UINT16_MAX) return malformed("UDP port");
  if (pair.qpn() > kQpnMax || pair.first_psn() > kQpnMax) return malformed("QPN or PSN");
  const std::uint32_t mtu = pair.path_mtu_max();
  if (!proto::is_path_mtu(mtu)) return malformed("path MTU");
  return QueuePairAddress{
      .udp = {.ip = remote, .port = static_cast<std::uint16_t>(pair.udp_port())},
      .qpn = pair.qpn(),
      .first_psn = pair.first_psn(),
      .path_mtu_max = mtu,
      .read_atomic_max = pair.read_atomic_max()};
}

std::expected<WindowTerms, Error> read_terms(const control::Exported& exported) {
  WindowTerms terms{
      .memory = {.address = exported.address(), .bytes = exported.bytes(), .rkey = exported.rkey()},
      .rights = {.read = (exported.rights() & kRightRead) != 0,
                 .write = (exported.rights() & kRightWrite) != 0,
                 .atomics = (exported.rights() & kRightAtomics) != 0}};
  if (terms.memory.bytes > UINT64_MAX - terms.memory.address) return malformed("exported buffer");
  if (!exported.has_leased()) return terms;
  terms.leased = {.least = exported.leased().least(), .most = exported.leased().most()};
  const std::uint64_t least = terms.leased->least;
  if (!std::has_single_bit(least) || least > kLeaseBytesMax) return malformed("size of leases");
  return terms;
}

// A device's wire is its name.
bool speaks_roce(std::string_view nic, std::string_view wire) {
  return nic == kVerbsNic || (nic == kSoftNic && wire == "udp");
}

bool is_shm(const control::Candidate& candidate) {
  return candidate.nic() == kSoftNic && candidate.wire() == kShmWire;
}

bool reaches(const control::Candidate& candidate, const NicAttributes& nic) {
  if (is_shm(candidate)) return nic.shared_memory;
  return speaks_roce(candidate.nic(), candidate.wire()) && speaks_roce(nic.name, nic.wire);
}

// Adds what the candidate tells to the offer. Errors: kProtocolError.
std::expected<void, Error> take(const control::Candidate& candidate, const NicAttributes& nic,
                                const proto::IpAddress& remote, Offer& offer) {
  auto address = read_address(candidate.queue_pair(), remote);
  if (!address) return std::unexpected(address.error());
  address->shared_memory = offer.address.shared_memory;
  offer.address = *address;
  offer.foreign = candidate.nic() != nic.name;
  offer.shm_alone = is_shm(candidate);
  if (!is_shm(candidate)) return {};
  if (candidate.shared_memory().socket() == 0) return malformed("socket of shared memory");
  offer.address.shared_memory = {.socket = candidate.shared_memory().socket(),
                                 .nonce = candidate.shared_memory().nonce()};
  return {};
}

}  // namespace

control::Message make_request(std::uint32_t connection, const Endpoint::Impl& endpoint,
                              const NicAttributes& nic, bool shm_alone) {
  control::Message message;
  control::ConnectRequest& request = *message.mutable_connect_request();
  fill_common(request, connection, endpoint);
  request.set_profile(static_cast<std::uint32_t>(endpoint.options().profile));
  if (nic.shared_memory) fill(*request.add_candidates(), endpoint, nic.name, kShmWire);
  if (!shm_alone) fill(*request.add_candidates(), endpoint, nic.name, nic.wire);
  return message;
}

control::Message make_reply(std::uint32_t connection, const Endpoint::Impl& endpoint,
                            const NicAttributes& nic) {
  control::Message message;
  control::ConnectReply& reply = *message.mutable_connect_reply();
  fill_common(reply, connection, endpoint);
  fill(*reply.mutable_chosen(), endpoint, nic.name, endpoint.wire());
  return message;
}

void add_import(control::Message& request, const Import& wanted) {
  control::Import& import = *request.mutable_connect_request()->mutable_wanted();
  import.set_name(wanted.name);
  import.set_token(wanted.token);
}

void add_exported(control::Message& reply, const WindowTerms& terms, bool key_passed) {
  control::Exported& exported = *reply.mutable_connect_reply()->mutable_exported();
  exported.set_address(terms.memory.address);
  exported.set_bytes(terms.memory.bytes);
  exported.set_rkey(key_passed ? 0 : terms.memory.rkey);
  exported.set_key_passed(key_passed);
  exported.set_rights((terms.rights.read ? kRightRead : 0U) |
                      (terms.rights.write ? kRightWrite : 0U) |
                      (terms.rights.atomics ? kRightAtomics : 0U));
  if (!terms.leased) return;
  exported.mutable_leased()->set_least(terms.leased->least);
  exported.mutable_leased()->set_most(terms.leased->most);
}

Import read_import(const control::Import& wanted) {
  return {.name = wanted.name(), .token = wanted.token()};
}

control::Message make_refusal(std::uint32_t connection, const Error& error) {
  control::Message message;
  control::ConnectReply& reply = *message.mutable_connect_reply();
  reply.set_connection(connection);
  reply.set_code(static_cast<std::uint32_t>(error.code));
  reply.set_message(error.message);
  return message;
}

control::Message make_probe_result(std::uint32_t connection, Code code) {
  control::Message message;
  message.mutable_probe_result()->set_connection(connection);
  message.mutable_probe_result()->set_code(static_cast<std::uint32_t>(code));
  return message;
}

control::Message make_lease(std::uint32_t connection, const LeaseMessage& lease) {
  control::Message message;
  control::Lease& told = *message.mutable_lease();
  told.set_connection(connection);
  told.set_act(static_cast<control::Lease::Act>(lease.act));
  told.set_rkey(lease.rkey);
  told.set_offset(lease.range.offset);
  told.set_bytes(lease.range.bytes);
  told.set_code(static_cast<std::uint32_t>(lease.code));
  return message;
}

std::optional<LeaseMessage> read_lease(const control::Lease& lease) {
  if (lease.act() < control::Lease::WANTED || lease.act() > control::Lease::RECALLED) return {};
  if ((lease.act() == control::Lease::REFUSED) != (lease.code() != 0)) return {};
  return LeaseMessage{.act = static_cast<LeaseAct>(lease.act()),
                      .rkey = lease.rkey(),
                      .range = {.offset = lease.offset(), .bytes = lease.bytes()},
                      .code = read_code(lease.code())};
}

control::Message make_disconnect(std::uint32_t connection, Code code) {
  control::Message message;
  message.mutable_disconnect()->set_connection(connection);
  message.mutable_disconnect()->set_code(static_cast<std::uint32_t>(code));
  return message;
}

std::expected<Offer, Error> read_request(const control::ConnectRequest& request,
                                         const NicAttributes& nic, const proto::IpAddress& remote) {
  if (request.profile() > static_cast<std::uint32_t>(Profile::kMapwire))
    return malformed("profile");
  if (request.candidates_size() > kCandidatesMax) return malformed("number of candidates");
  auto offer = read_common(request);
  if (!offer) return offer;
  offer->profile = static_cast<Profile>(request.profile());
  bool reached = false;
  for (const control::Candidate& candidate : request.candidates()) {
    if (!reaches(candidate, nic)) continue;
    if (auto taken = take(candidate, nic, remote, *offer); !taken) {
      return std::unexpected(taken.error());
    }
    reached = true;
    if (!is_shm(candidate)) break;  // the last resort
  }
  if (reached) return offer;
  return std::unexpected(Error::make(
      Code::kNoUsableNic, ErrorScope::kEndpoint,
      fmt::format("connection request: no candidate is reached by the {} NIC over {} here; use the "
                  "same version and the same MAPWIRE_WIRE on both sides",
                  nic.name, nic.wire)));
}

std::expected<Offer, Error> read_reply(const control::ConnectReply& reply, const NicAttributes& nic,
                                       const proto::IpAddress& remote) {
  if (reply.code() != 0) {
    return std::unexpected(Error::make(read_code(reply.code()), ErrorScope::kEndpoint,
                                       fmt::format("peer refused: {}", reply.message())));
  }
  if (!reaches(reply.chosen(), nic)) return malformed("chosen NIC");
  auto offer = read_common(reply);
  if (!offer) return offer;
  if (auto taken = take(reply.chosen(), nic, remote, *offer); !taken) {
    return std::unexpected(taken.error());
  }
  if (reply.has_exported()) {
    const auto terms = read_terms(reply.exported());
    if (!terms) return std::unexpected(terms.error());
    offer->exported = *terms;
    offer->key_passed = reply.exported().key_passed();
  }
  return offer;
}

Code read_code(std::uint32_t number) {
  if (number == 0) return Code::kOk;
  const Code code = static_cast<Code>(number);
  const bool known = number <= UINT16_MAX && code_entry(code).code == code;
  return known ? code : Code::kPeerRefused;
}

}  // namespace mapwire::detail
