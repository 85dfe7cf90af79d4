#include "mapwire/endpoints/c_api.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <string>
#include <utility>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/endpoint.h"
#include "mapwire/endpoints/listener.h"
#include "mapwire/endpoints/memory.h"
#include "mapwire/runtime/error.h"

// NOLINTBEGIN(readability-identifier-naming): names of C.
struct mapwire_context {
  mapwire::Context context;
};
struct mapwire_listener {
  mapwire::Listener listener;
};
struct mapwire_endpoint {
  mapwire::Endpoint endpoint;
};
struct mapwire_region {
  mapwire::MemoryRegion region;
};
// NOLINTEND(readability-identifier-naming)

namespace mapwire {
namespace {

static_assert(MAPWIRE_RECEIVE_WRITE == static_cast<int>(Operation::kReceiveWrite));

constexpr int kRights = MAPWIRE_REMOTE_READ | MAPWIRE_REMOTE_WRITE | MAPWIRE_REMOTE_ATOMIC;

void tell(const Error& from, mapwire_error* to) {
  if (to == nullptr) return;
  *to = {.code = static_cast<std::int32_t>(from.code), .os_errno = from.os_errno, .message = {}};
  from.message.copy(to->message, sizeof(to->message) - 1);
}

// The object for C that holds what was made, or null and the reason why it was not.
template <class Object, class Made>
Object* hand_out(std::expected<Made, Error> made, mapwire_error* error) {
  if (made) return new Object{std::move(*made)};
  tell(made.error(), error);
  return nullptr;
}

ConstBuffer const_buffer(const void* memory, std::size_t bytes) {
  return std::span{static_cast<const std::byte*>(memory), bytes};
}

MutableBuffer mutable_buffer(void* memory, std::size_t bytes) {
  return std::span{static_cast<std::byte*>(memory), bytes};
}

RemoteBuffer remote_buffer(const mapwire_remote& remote) {
  return {.address = remote.address, .bytes = remote.bytes, .rkey = remote.rkey};
}

mapwire_completion completion_of(const Completion& from) {
  return {.cookie = from.cookie,
          .endpoint = from.endpoint,
          .bytes = from.bytes,
          .status = static_cast<std::int32_t>(from.status),
          .operation = static_cast<std::uint8_t>(from.operation),
          .has_immediate = from.has_immediate ? std::uint8_t{1} : std::uint8_t{0},
          .reserved = {},
          .immediate = from.immediate,
          .reserved2 = 0};
}

// What take() puts into an array of ours, for C. So many at a time as a poll usually finds.
template <class Take>
std::size_t take_completions(mapwire_completion* completions, std::size_t count, const Take& take) {
  std::array<Completion, 16> taken;
  const std::size_t number = take(std::span{taken}.first(std::min(count, taken.size())));
  std::ranges::transform(std::span{taken}.first(number), completions, completion_of);
  return number;
}

}  // namespace
}  // namespace mapwire

using namespace mapwire;  // NOLINT(google-build-using-namespace): what follows is of no namespace

mapwire_context* mapwire_context_create(mapwire_error* error) {
  return hand_out<mapwire_context>(Context::create(), error);
}

void mapwire_context_destroy(mapwire_context* context) { delete context; }

mapwire_listener* mapwire_listen(mapwire_context* context, const char* address,
                                 mapwire_error* error) {
  const ListenOptions options{.address = address == nullptr ? "" : address};
  return hand_out<mapwire_listener>(context->context.listen(options), error);
}

std::uint16_t mapwire_listener_port(const mapwire_listener* listener) {
  return listener->listener.port();
}

void mapwire_listener_close(mapwire_listener* listener) { delete listener; }

mapwire_endpoint* mapwire_accept(mapwire_listener* listener, std::uint64_t timeout_ns,
                                 mapwire_error* error) {
  return hand_out<mapwire_endpoint>(listener->listener.accept(timeout_ns), error);
}

mapwire_endpoint* mapwire_connect(mapwire_context* context, const char* address,
                                  std::uint64_t timeout_ns, mapwire_error* error) {
  return hand_out<mapwire_endpoint>(
      context->context.connect(address == nullptr ? "" : address,
                               {.timeout_ns = timeout_ns, .endpoint = {}}),
      error);
}

std::uint64_t mapwire_endpoint_id(const mapwire_endpoint* endpoint) {
  return endpoint->endpoint.id();
}

void mapwire_endpoint_close(mapwire_endpoint* endpoint) { delete endpoint; }

mapwire_region* mapwire_register(mapwire_context* context, void* memory, std::size_t bytes,
                                 int rights, mapwire_error* error) {
  if ((rights & ~kRights) != 0) {
    tell(Error::make(Code::kInvalidArgument, ErrorScope::kRequest,
                     "mapwire_register: rights that do not exist; add those of c_api.h up"),
         error);
    return nullptr;
  }
  return hand_out<mapwire_region>(
      context->context.register_memory({static_cast<std::byte*>(memory), bytes},
                                       {.remote_read = (rights & MAPWIRE_REMOTE_READ) != 0,
                                        .remote_write = (rights & MAPWIRE_REMOTE_WRITE) != 0,
                                        .remote_atomic = (rights & MAPWIRE_REMOTE_ATOMIC) != 0}),
      error);
}

mapwire_remote mapwire_region_remote(const mapwire_region* region) {
  const RemoteBuffer remote = region->region.remote();
  return {.address = remote.address, .bytes = remote.bytes, .rkey = remote.rkey, .reserved = 0};
}

void mapwire_deregister(mapwire_region* region) { delete region; }

int mapwire_post_send(mapwire_endpoint* endpoint, const void* message, std::size_t bytes,
                      std::uint64_t cookie) {
  return static_cast<int>(endpoint->endpoint.post_send(const_buffer(message, bytes), cookie));
}

int mapwire_post_receive(mapwire_endpoint* endpoint, void* buffer, std::size_t bytes,
                         std::uint64_t cookie) {
  return static_cast<int>(endpoint->endpoint.post_receive(mutable_buffer(buffer, bytes), cookie));
}

int mapwire_post_write(mapwire_endpoint* endpoint, const void* source, std::size_t bytes,
                       mapwire_remote target, std::uint64_t cookie) {
  return static_cast<int>(
      endpoint->endpoint.post_write(const_buffer(source, bytes), remote_buffer(target), cookie));
}

int mapwire_post_read(mapwire_endpoint* endpoint, void* target, std::size_t bytes,
                      mapwire_remote source, std::uint64_t cookie) {
  return static_cast<int>(
      endpoint->endpoint.post_read(mutable_buffer(target, bytes), remote_buffer(source), cookie));
}

std::size_t mapwire_poll(mapwire_context* context, mapwire_completion* completions,
                         std::size_t count) {
  return take_completions(completions, count, [&](std::span<Completion> taken) {
    return context->context.poll(taken);
  });
}

std::size_t mapwire_wait(mapwire_context* context, mapwire_completion* completions,
                         std::size_t count, std::uint64_t timeout_ns) {
  return take_completions(completions, count, [&](std::span<Completion> taken) {
    return context->context.wait(taken, timeout_ns);
  });
}

int mapwire_event_fd(const mapwire_context* context) { return context->context.event_fd(); }

int mapwire_arm(mapwire_context* context) { return context->context.arm() ? 1 : 0; }

const char* mapwire_code_name(int code) {
  const auto known = std::ranges::find(code_table(), static_cast<Code>(code), &CodeEntry::code);
  if (static_cast<int>(static_cast<Code>(code)) != code || known == code_table().end()) {
    return "unknown";
  }
  return known->name.data();  // literals, so they end with a zero byte
}
