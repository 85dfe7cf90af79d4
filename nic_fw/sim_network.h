// A simulated network in virtual time, for tests: links with a rate, a delay and a drop-tail queue,
// and the inboxes of the wires attached to it (sim_wire.h). The same calls with the same times give
// the same deliveries.
//
// Threads: one thread drives the network and all its wires. Time never goes back between calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

#include "mapwire/nic_fw/wire.h"
#include "mapwire/proto/address.h"
#include "mapwire/runtime/error.h"

namespace mapwire::nic_fw {

struct SimLinkOptions {
  std::uint64_t bits_per_second = 0;  // 0: packets take no time to serialise and never queue
  std::uint64_t delay_ns = 1'000;     // one way, after serialisation
  // Packets that would make the bytes that wait in the link exceed this are dropped (drop-tail).
  // Without meaning on a link of unlimited rate.
  std::size_t queue_bytes_max = std::size_t{1} << 20;
};

using SimLinkId = std::size_t;
using SimInboxId = std::size_t;

class SimNetwork {
 public:
  // Adds a link. Wires that leave through the same link share its rate and its queue.
  SimLinkId add_link(const SimLinkOptions& options);

  // Adds an inbox: where the packets for one wire's addresses wait.
  SimInboxId add_inbox();

  // From now on packets for `address` go to `inbox`. Asked again for the same pair it has no
  // effect. Errors: kAddressInUse (another inbox has the address).
  std::expected<void, Error> bind(const proto::UdpAddress& address, SimInboxId inbox);

  // Sends a packet through a link. It is dropped if the queue is full or nobody has its
  // destination. Size on the link: IP and UDP headers and payload.
  void send(SimLinkId link, const WirePacket& packet, std::uint64_t now_ns);

  // Takes up to packets.size() packets that have arrived by now; returns how many. Their bytes stay
  // valid until the next call for this inbox.
  std::size_t receive(SimInboxId inbox, std::span<WirePacket> packets, std::uint64_t now_ns);

  // When the next packet arrives at `inbox`; UINT64_MAX if none is on its way.
  std::uint64_t next_arrival_ns(SimInboxId inbox) const;

  // Packets the link dropped because its queue was full.
  std::uint64_t dropped(SimLinkId link) const { return links_[link].dropped; }

 private:
  struct Link {
    SimLinkOptions options;
    std::uint64_t free_at_ns = 0;  // when the last bit of the last packet has left
    std::uint64_t dropped = 0;
  };
  struct Transit {
    std::uint64_t arrival_ns;
    std::uint64_t
        sequence;  // of sending: breaks ties, so that delivery does not depend on the heap
    proto::Flow flow;
    std::vector<std::byte> bytes;
    // The heap functions of the library put the largest in front: the earliest is the largest here.
    friend bool operator<(const Transit& a, const Transit& b) {
      return a.arrival_ns != b.arrival_ns ? a.arrival_ns > b.arrival_ns : a.sequence > b.sequence;
    }
  };
  struct Inbox {
    std::vector<Transit> arriving;  // a heap
    std::vector<Transit> taken;     // owns the bytes that the last receive() handed out
  };
  struct Binding {
    proto::UdpAddress address;
    SimInboxId inbox = 0;
  };

  std::optional<SimInboxId> find_inbox(const proto::UdpAddress& address) const;
  static std::optional<std::uint64_t> pass(Link& link, std::size_t bytes, std::uint64_t now_ns);

  std::vector<Link> links_;
  std::vector<Inbox> inboxes_;
  std::vector<Binding> bindings_;
  std::uint64_t sequence_ = 0;
};

}  // namespace mapwire::nic_fw
