#include "tests/bench/growth/server.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "tests/bench/growth/end.h"
#include "tests/possessions.h"
#include "tests/test_program.h"

namespace mapwire::growth {
namespace {

struct Service {
  End end;
  Listener listener;
};

Service listen(std::uint16_t port) {
  Context context = value_of(Context::create());
  Listener listener = value_of(context.listen({.address = "127.0.0.1:" + std::to_string(port)}));
  return {.end = End{std::move(context)}, .listener = std::move(listener)};
}

void accept(Service& service, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    service.end.add(value_of(service.listener.accept(UINT64_MAX)));
  }
}

}  // namespace

void serve(std::uint16_t port) {
  std::array<Service, 2> services{listen(port), listen(static_cast<std::uint16_t>(port + 1))};
  for (Service& service : services) accept(service, 1);
  for (std::size_t turn = 0;;) {
    Service& service = services[turn];
    const auto request = service.end.receive<Request>();
    switch (request.kind) {
      case Kind::kEcho: service.end.send(request); break;
      case Kind::kTake: break;
      case Kind::kAccept:
        accept(service, request.number);
        service.end.send(request);
        break;
      case Kind::kTell: service.end.send(possessions()); break;
      case Kind::kTurn: turn = 1 - turn; break;
      case Kind::kEnd: return;
    }
  }
}

}  // namespace mapwire::growth
