#include "mapwire/nic_fw/shm/channels.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <utility>

#include <fmt/format.h>

#include "mapwire/nic_fw/shm/meeting_place.h"

namespace mapwire::nic_fw::shm {
namespace {

std::unexpected<Error> failed(int os_errno, const char* what) {
  return std::unexpected(Error::from_errno(
      Code::kSystemCall, ErrorScope::kEndpoint, os_errno, fmt::format("shared memory: {}", what),
      "check that descriptors are left (ulimit -n), or take another wire "
      "(MAPWIRE_WIRE=udp)"));
}

bool watch_fd(int events, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  return ::epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) == 0;
}

std::uint64_t draw(const RandomSource& random) {
  std::uint64_t number = 0;
  while (number == 0) number = random();
  return number;
}

}  // namespace

std::expected<Channels, Error> Channels::create(const RandomSource& random) {
  const SharedMemoryAddress address{.socket = draw(random), .nonce = draw(random)};
  UniqueFd listener = listen_at(address.socket, static_cast<int>(kStrangersMax));
  if (!listener) return failed(errno, "socket of this process");
  UniqueFd events{::epoll_create1(EPOLL_CLOEXEC)};
  if (!events || !watch_fd(events.get(), listener.get())) {
    return failed(errno, "socket of this process");
  }
  return Channels{address, std::move(listener), std::move(events)};
}

std::expected<void, Error> Channels::watch(int fd) {
  if (!watch_fd(events_.get(), fd)) return failed(errno, "watching for events");
  return {};
}

std::expected<Channel*, Error> Channels::add(UniqueFd socket) {
  if (channels_.size() == kChannelsMax) {
    return std::unexpected(Error::make(Code::kLimitReached, ErrorScope::kEndpoint,
                                       "shared memory: 1024 processes are connected already; close "
                                       "connections, or take another wire (MAPWIRE_WIRE=udp)"));
  }
  auto channel = Channel::create(std::move(socket), address_);
  if (!channel) return std::unexpected(std::move(channel.error()));
  if (!watch_fd(events_.get(), channel->socket().get()))
    return failed(errno, "watching for events");
  channel->set_sleeping(sleeping_);
  return &channels_.emplace_back(std::move(*channel));
}

std::expected<Channel*, Error> Channels::reach(const SharedMemoryAddress& peer,
                                               std::uint64_t now_ns) {
  serve(now_ns);
  if (Channel* open = find(peer)) {
    open->stranger_until_ns = Channel::kNoStranger;
    return open;
  }
  UniqueFd socket = connect_to(peer.socket);
  if (!socket) {
    return std::unexpected(Error::from_errno(
        Code::kPeerRefused, ErrorScope::kEndpoint, errno, "shared memory of the peer",
        "check that it runs on this host in this network namespace, or take another wire "
        "(MAPWIRE_WIRE=udp)"));
  }
  auto channel = add(std::move(socket));
  if (!channel) return channel;
  if (auto greeted = (*channel)->greet(peer); !greeted) {
    return std::unexpected(std::move(greeted.error()));
  }
  return channel;
}

Channel* Channels::find(const SharedMemoryAddress& peer) {
  const auto found = std::ranges::find_if(channels_, [&](const Channel& channel) {
    return channel.state() != Channel::State::kDead && channel.peer() == peer;
  });
  return found == channels_.end() ? nullptr : &*found;
}

// True: nobody waits any more who could be let in now.
bool Channels::accept_strangers(std::uint64_t now_ns) {
  while (strangers_ < kStrangersMax) {
    UniqueFd socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!socket) return errno == EAGAIN;  // otherwise no descriptor is left, say
    auto stranger = add(std::move(socket));
    if (!stranger) return true;  // it finds its socket closed
    (*stranger)->accepted = true;
    (*stranger)->stranger_until_ns = now_ns + kHelloNs;
    ++strangers_;
  }
  return true;
}

// Those that find no place go on waiting, and must not keep us awake.
void Channels::watch_listener(bool watched) {
  if (watched == listener_watched_) return;
  epoll_event event{.events = watched ? EPOLLIN : 0U, .data = {.fd = listener_.get()}};
  ::epoll_ctl(events_.get(), EPOLL_CTL_MOD, listener_.get(), &event);
  listener_watched_ = watched;
}

bool Channels::has_events() const {
  epoll_event event{};
  return ::epoll_wait(events_.get(), &event, 1, 0) > 0;
}

void Channels::serve(std::uint64_t now_ns) {
  const bool accepts = accept_strangers(now_ns);
  strangers_ = 0;
  strangers_until_ns_ = accepts ? UINT64_MAX : now_ns + kHelloNs;  // tries again then
  for (Channel& channel : channels_) {
    if (channel.state() == Channel::State::kDead) continue;
    const bool greeting = channel.state() == Channel::State::kGreeting;
    channel.serve();
    if (!channel.is_stranger()) continue;
    if (greeting && channel.state() == Channel::State::kOpen) let_in(channel, now_ns);
    if (now_ns >= channel.stranger_until_ns) channel.send_away();
    if (!channel.is_stranger() || channel.state() == Channel::State::kDead) continue;
    strangers_until_ns_ = std::min(strangers_until_ns_, channel.stranger_until_ns);
    ++strangers_;
  }
  watch_listener(accepts && strangers_ < kStrangersMax);
  drop_passed();
}

void Channels::drop_passed() {
  const auto passed = [](const Channel& channel) { return channel.passed(); };
  std::size_t all = 0;
  for (const Channel& channel : channels_) all += channel.passed();
  if (all > kPassedMax) std::ranges::max_element(channels_, {}, passed)->drop_passed();
}

// It has said hello. What it says of itself others know as well, so it may be one of them; and one
// process has no need of two ways to us.
void Channels::let_in(Channel& stranger, std::uint64_t now_ns) {
  stranger.stranger_until_ns = now_ns + kNeedNs;
  if (!is_met_at(stranger.peer().socket, stranger.socket())) stranger.send_away();
  for (const Channel& other : channels_) {
    if (&other == &stranger || other.state() == Channel::State::kDead ||
        other.peer() != stranger.peer()) {
      continue;
    }
    // Not accepted: both sides connected at once.
    if (other.accepted) stranger.send_away();
    if (!other.accepted) stranger.stranger_until_ns = Channel::kNoStranger;
  }
}

// Two that connected to each other at once have two.
UniqueFd Channels::take_passed(const Channel& channel, Qpn own, std::uint64_t now_ns) {
  serve(now_ns);
  for (Channel& other : channels_) {
    if (other.state() != Channel::State::kOpen || other.peer() != channel.peer()) continue;
    if (UniqueFd descriptor = other.take_passed(own)) return descriptor;
  }
  return {};
}

void Channels::set_sleeping(bool sleeping) {
  sleeping_ = sleeping;
  for (Channel& channel : channels_) channel.set_sleeping(sleeping);
}

void Channels::collect(bool idle_too) {
  std::erase_if(channels_, [&](const Channel& channel) {
    const bool dead = channel.state() == Channel::State::kDead;
    const bool idle = channel.state() == Channel::State::kOpen && idle_too;
    return channel.users == 0 && (dead || idle);
  });
}

}  // namespace mapwire::nic_fw::shm
