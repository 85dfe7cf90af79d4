#include "tools/test_report.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>

#include "tools/output.h"

namespace mapwire::tools {
namespace {

constexpr int kSchemaVersion = 1;  // of docs/schema/

using nlohmann::ordered_json;

ordered_json describe_end(const EndDescription& end) {
  return {{"version", end.version},
          {"cpus", end.processors},
          {"threads", end.threads},
          {"progress", end.progress},
          {"memory", end.memory}};
}

std::string_view wake(const TestOptions& options) { return options.sleep ? "events" : "polling"; }

}  // namespace

std::string preamble(const TestOptions& options, const TestSetup& setup, std::string_view value) {
  const auto& [info, client, server] = setup;
  std::string text = fmt::format("# mapwire {}: client {}, server {}\n", name(options.kind),
                                 client.version, server.version);
  text += fmt::format("# NIC {}, wire {}: {}\n", info.nic, info.wire, info.reason);
  text += fmt::format("# path MTU {}, {} -> {}\n", info.path_mtu, info.local, info.remote);
  text += fmt::format("# profile {}, threads {} (server {}), progress {} (server {}), {}\n",
                      options.profile, client.threads, server.threads, client.progress,
                      server.progress, wake(options));
  text += fmt::format("# CPUs {} (server {}), memory {} (server {})\n", client.processors,
                      server.processors, client.memory, server.memory);
  text += fmt::format("# {}: {}\n", options.op, entry(test_op(options)).how);
  text += fmt::format("# {}", value);
  return text;
}

ordered_json json_document(const TestOptions& options, const TestSetup& setup,
                           std::string_view value) {
  return {{"schema", kSchemaVersion},
          {"tool", fmt::format("mapwire {}", name(options.kind))},
          {"op", options.op},
          {"value", value},
          {"nic", setup.info.nic},
          {"wire", setup.info.wire},
          {"reason", setup.info.reason},
          {"mtu", setup.info.path_mtu},
          {"local", setup.info.local},
          {"remote", setup.info.remote},
          {"profile", options.profile},
          {"wake", wake(options)},
          {"client", describe_end(setup.client)},
          {"server", describe_end(setup.server)}};
}

std::expected<void, Error> write_document(const TestOptions& options,
                                          const ordered_json& document) {
  const std::string text = document.dump(2, ' ', false, ordered_json::error_handler_t::replace);
  if (!options.json_file.empty()) {
    std::ofstream file{options.json_file};
    file << text << '\n';
    file.close();
    if (!file) {
      return std::unexpected(Error::from_errno(Code::kBadFile, ErrorScope::kRequest, errno,
                                               options.json_file, "check the path of --out-json"));
    }
  }
  if (options.json && !print_result(text)) return std::unexpected(stdout_closed());
  return {};
}

}  // namespace mapwire::tools
