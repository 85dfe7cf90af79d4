// The channels of a NIC to other processes of its host, and the socket where they reach it.
//
// Threads: those of the NIC. No call blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <list>

#include "mapwire/nic_fw/random_source.h"
#include "mapwire/nic_fw/shm/channel.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/unique_fd.h"

namespace mapwire::nic_fw::shm {

// Of one NIC. Strangers are those who came to us until a queue pair needs them.
inline constexpr std::size_t kChannelsMax = 1024;
inline constexpr std::size_t kStrangersMax = 64;
// Descriptors that were passed to us and not taken: those of many set-ups at once. When there are
// more, those that came by the channel with most of them are dropped.
inline constexpr std::size_t kPassedMax = 256;
// For a hello, and then for the rest of the set-up.
inline constexpr std::uint64_t kHelloNs = 2'000'000'000;
inline constexpr std::uint64_t kNeedNs = 10'000'000'000;

class Channels {
 public:
  // Opens the socket under a random name. Errors: kSystemCall.
  static std::expected<Channels, Error> create(const RandomSource& random);

  const SharedMemoryAddress& address() const { return address_; }
  // Readable while a channel or the socket has something for serve(), or a watched descriptor is
  // readable.
  int event_fd() const { return events_.get(); }
  // Errors: kSystemCall.
  std::expected<void, Error> watch(int fd);

  // The channel to the process that is met at `peer`; made if there is none. It lives until
  // collect() finds it without users. Errors: kPeerRefused (nobody is there: another host or
  // network namespace), kLimitReached, and those of Channel.
  std::expected<Channel*, Error> reach(const SharedMemoryAddress& peer, std::uint64_t now_ns);

  // Whether event_fd() is readable.
  bool has_events() const;
  // Lets strangers in, and serves every channel. Who is of no use any more goes with collect().
  void serve(std::uint64_t now_ns);
  // When serve() has to be called though nothing has come: a stranger's time is over.
  std::uint64_t next_deadline_ns() const { return strangers_until_ns_; }
  // Forgets channels that are dead and, if `idle_too`, those of the living that have no users.
  void collect(bool idle_too);

  // As Channel::take_passed, by whichever channel the peer of `channel` passed it.
  UniqueFd take_passed(const Channel& channel, Qpn own, std::uint64_t now_ns);

  // Tells all peers, those to come included: Channel::set_sleeping.
  void set_sleeping(bool sleeping);

  std::list<Channel>& all() { return channels_; }

 private:
  Channels(const SharedMemoryAddress& address, UniqueFd listener, UniqueFd events)
      : address_{address}, listener_{std::move(listener)}, events_{std::move(events)} {}

  std::expected<Channel*, Error> add(UniqueFd socket);
  bool accept_strangers(std::uint64_t now_ns);
  void watch_listener(bool watched);
  void let_in(Channel& stranger, std::uint64_t now_ns);
  void drop_passed();
  Channel* find(const SharedMemoryAddress& peer);

  SharedMemoryAddress address_;
  UniqueFd listener_;
  UniqueFd events_;
  std::list<Channel> channels_;  // where queue pairs point to
  bool sleeping_ = false;
  bool listener_watched_ = true;
  std::size_t strangers_ = 0;
  std::uint64_t strangers_until_ns_ = UINT64_MAX;  // when serve() has to be called for them
};

}  // namespace mapwire::nic_fw::shm
