#include "tools/test_windows.h"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace mapwire::tools {
namespace {

constexpr const char* kName = "ping";

// Any port where the connection comes from.
std::string any_port_of(const std::string& address) {
  return address.substr(0, address.rfind(':')) + ":0";
}

std::expected<std::string, Error> exchange_addresses(Session& session, const std::string& address) {
  const Code code = session.send_control(encode(WindowMessage{.address = address}));
  if (code != Code::kOk) return std::unexpected(session.failure(code));
  const auto bytes = session.await_control(kQuietNs);
  if (!bytes) return std::unexpected(bytes.error());
  auto message = decode_window(*bytes);
  if (!message) return std::unexpected(message.error());
  return std::move(message->address);
}

// Meanwhile an end that makes progress inline serves the other's import.
std::expected<void, Error> await_peer(Session& session) {
  const Code code = session.send_control(encode(PhaseMessage{.kind = PhaseKind::kReady}));
  if (code != Code::kOk) return std::unexpected(session.failure(code));
  return session.await_ready();
}

}  // namespace

std::expected<TestWindows, Error> TestWindows::create(Context& context, Session& session,
                                                      std::size_t bytes) {
  auto memory = WindowMemory::create(bytes);
  if (!memory) return std::unexpected(memory.error());
  const std::string here = any_port_of(session.endpoint().info().local);
  auto listener = context.listen({.address = here});
  if (!listener) return std::unexpected(listener.error());
  auto exported = context.export_buffer(kName, *memory);
  if (!exported) return std::unexpected(exported.error());
  const auto theirs =
      exchange_addresses(session, fmt::format("{}/{}", listener->addresses().front(), kName));
  if (!theirs) return std::unexpected(theirs.error());
  auto peers = context.import_buffer(*theirs);
  if (!peers) return std::unexpected(peers.error());
  if (auto ready = await_peer(session); !ready) return std::unexpected(ready.error());
  session.count_also(peers->id());
  return TestWindows{std::move(*memory), std::move(*listener), std::move(*exported),
                     std::move(*peers)};
}

}  // namespace mapwire::tools
