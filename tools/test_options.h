// The command line of ping and bw.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/runtime/options.h"
#include "tools/local_memory.h"
#include "tools/test_op.h"

namespace mapwire::tools {

struct TestOptions {
  TestKind kind = TestKind::kLatency;

  // Where.
  std::string address;  // empty: serve
  std::uint16_t port = kDefaultPort;
  bool local = false;
  std::string bind_address;  // of the server
  bool once = false;

  // What. The client decides, the server adopts.
  std::string op = "send";
  std::uint64_t bytes = 0;
  bool all_sizes = false;
  std::uint64_t iterations = 1000;
  std::uint64_t duration_ns = 0;  // 0: `iterations` count
  std::uint64_t warmup = 100;
  bool bidirectional = false;
  bool verify = false;
  bool sleep = false;
  bool baseline = false;

  // How. Each end for itself, but for path_mtu and profile, where the client's count.
  std::uint32_t path_mtu = 0;
  std::uint32_t send_depth = 64;
  std::uint32_t receive_depth = 64;
  std::string profile = "mapwire";
  std::string nic = "auto";
  std::string wire = "auto";
  std::string threads = "safe";
  std::string memory = "registered";
  bool inline_progress = false;
  std::uint64_t timeout_ns = 0;
  std::uint64_t deadline_ns = 0;
  std::string pcap_file;
  std::string faults;

  // What is printed.
  bool json = false;
  std::string json_file;
  bool histogram = false;
  bool unsorted = false;
  bool gbits = false;
};

// The defaults of both commands: those of the library's MAPWIRE_* variables, and our own.
TestOptions default_test_options(const Options& environment);

// Adds the options both commands have, with help and limits. `options` outlives `command` and holds
// the defaults.
void add_test_options(CLI::App& command, TestOptions& options);

// What no single option can tell: combinations that make no sense. Empty: all is well; otherwise
// one sentence for people.
std::string conflict(const TestOptions& options);

// Accessors of parsed options. Precondition: conflict() is empty.
TestOp test_op(const TestOptions& options);
std::vector<std::uint64_t> test_sizes(const TestOptions& options);  // ascending, at least one
NicChoice nic_choice(const TestOptions& options);
WireChoice wire_choice(const TestOptions& options);
MemoryKind memory_kind(const TestOptions& options);
ContextOptions context_options(const TestOptions& options);
EndpointOptions endpoint_options(const TestOptions& options);

}  // namespace mapwire::tools
