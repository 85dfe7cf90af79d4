#include "tools/test_options.h"

#include <fmt/format.h>

#include "tools/quantity_option.h"
#include "tools/test_messages.h"

namespace mapwire::tools {
namespace {

constexpr std::uint64_t kAllSizesMin = 2;
constexpr std::uint64_t kAllSizesMax = std::uint64_t{1} << 23;
constexpr std::uint64_t kAtomicBytes = 8;
constexpr std::uint64_t kSamplesMax = 10'000'000;  // --report-unsorted: 80 MB

std::vector<std::string> op_names(TestKind kind) {
  if (kind == TestKind::kBandwidth) return {"send", "write", "read"};
  std::vector<std::string> names;
  for (const TestOpEntry& op : test_ops()) names.emplace_back(op.name);
  return names;
}

void add_place(CLI::App& command, TestOptions& options) {
  command.add_option("address", options.address,
                     "Server to connect to, host[:port] or [v6%interface]:port; none: serve");
  command
      .add_option("-p,--port", options.port, "TCP port of the set-up; server: 0 is any free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command.add_flag("--local", options.local,
                   "Start both ends here, as two processes on different CPUs");
  command
      .add_option("--bind", options.bind_address,
                  "Server: address to listen on; [::] serves all hosts, the default loopback")
      ->type_name("ADDRESS");
  command.add_flag("--once", options.once, "Server: end after one client");
  add_time(command, "--timeout", options.timeout_ns,
           "Client: time for the set-up; the server may start later");
}

void add_work(CLI::App& command, TestOptions& options) {
  command.add_option("--op", options.op, "Operation")
      ->check(CLI::IsMember(op_names(options.kind)))
      ->capture_default_str();
  auto* size = add_size(command, "-s,--size", options.bytes, {.min = 1, .max = kTestBytesMax},
                        "Of a message; atomics: 8");
  command.add_flag("-a,--all", options.all_sizes, "All sizes 2, 4, 8 .. 2^23")->excludes(size);
  auto* iterations = command.add_option("-n,--iterations", options.iterations, "Of each size")
                         ->check(CLI::Range(std::uint64_t{1}, kIterationsMax))
                         ->capture_default_str();
  add_time(command, "-D,--duration", options.duration_ns, "Of each size, instead of -n")
      ->excludes(iterations);
  command.add_option("--warmup", options.warmup, "Iterations before the measured ones")
      ->check(CLI::Range(std::uint64_t{0}, kIterationsMax))
      ->capture_default_str();
  command.add_flag("--baseline", options.baseline,
                   "With --local: measure the limit of this machine in turn with the test, and "
                   "print the ratio to it");
  command.add_flag("-e,--events", options.sleep,
                   "Wait for events instead of polling: asleep, but for what MAPWIRE_SPIN allows");
}

void add_manner(CLI::App& command, TestOptions& options) {
  add_power_of_two(command, "-m,--mtu", options.path_mtu, {.min = 256, .max = 4096},
                   "Path MTU; without it the largest that fits");
  add_power_of_two(command, "-t,--tx-depth", options.send_depth, {.min = 2, .max = 4096},
                   "Entries of the send queue");
  add_power_of_two(command, "-r,--rx-depth", options.receive_depth, {.min = 4, .max = 4096},
                   "Entries of the receive queue");
  command.add_option("--profile", options.profile, "What travels with the payload")
      ->check(CLI::IsMember({"mapwire", "plain"}))
      ->capture_default_str();
  command.add_option("--nic", options.nic, "auto: the RDMA device on the route, or soft")
      ->check(CLI::IsMember({"auto", "soft", "verbs"}))
      ->capture_default_str();
  command.add_option("--wire", options.wire, "Of the soft NIC; auto: shm on one host, or udp")
      ->check(CLI::IsMember({"auto", "udp", "shm"}))
      ->capture_default_str();
  command.add_option("--threads", options.threads, "single: no locks, implies --inline")
      ->check(CLI::IsMember({"safe", "single"}))
      ->capture_default_str();
  command
      .add_option("--memory", options.memory,
                  "What is sent and received: registered before, or any memory of the heap")
      ->check(CLI::IsMember({"registered", "heap"}))
      ->capture_default_str();
  command.add_flag("--inline,!--passive", options.inline_progress,
                   "No helper thread: only the test's own calls make progress");
  add_time(command, "--deadline", options.deadline_ns, "Silence after which a peer counts as dead");
  command.add_option("--pcap", options.pcap_file, "Write this end's packets to a capture file")
      ->type_name("FILE");
  command
      .add_option("--faults", options.faults,
                  "Harm this end's packets: loss=0.01,flip=0.001,seed=7")
      ->type_name("SPEC");
}

void add_output(CLI::App& command, TestOptions& options) {
  command.add_flag("--json", options.json, "Results as one JSON document instead of the table");
  command.add_option("--out-json", options.json_file, "Write that document to a file as well")
      ->type_name("FILE");
}

constexpr std::string_view kRdmaScheme = "rdma://";

bool is_client(const TestOptions& options) { return options.local || !options.address.empty(); }

}  // namespace

TestOptions default_test_options(const Options& environment) {
  TestOptions options;
  options.path_mtu = environment.path_mtu;
  options.nic = std::string{name(environment.nic)};
  options.wire = std::string{name(environment.wire)};
  options.threads = environment.single_thread ? "single" : "safe";
  options.inline_progress = environment.inline_progress;
  options.timeout_ns = environment.connect_timeout_ns;
  options.deadline_ns = environment.deadline_ns;
  options.pcap_file = environment.pcap_file;
  options.faults = environment.faults;
  return options;
}

void add_test_options(CLI::App& command, TestOptions& options) {
  add_place(command, options);
  add_work(command, options);
  add_manner(command, options);
  add_output(command, options);
}

std::string conflict(const TestOptions& options) {
  if (options.local && !options.address.empty()) return "--local takes no address";
  if (options.address.starts_with(kRdmaScheme) || options.bind_address.starts_with(kRdmaScheme)) {
    return "ping and bw tell each other more than an rdma:// connection carries: leave rdma:// "
           "away";
  }
  if (options.local && options.once) return "--local ends by itself, --once is for servers";
  if (is_client(options) && !options.bind_address.empty()) {
    return "--bind is for servers, and an address or --local makes this the client";
  }
  if (options.baseline && !options.local) {
    return "--baseline measures on the CPUs of both ends: it needs --local";
  }
  if (options.baseline && options.bidirectional) {
    return "--baseline is a stream in one direction: leave --bidirectional away";
  }
  if (is_client(options) && options.port == 0) return "--port 0 is for servers";
  if (is_client(options) && options.once) return "--once is for servers";
  if (!is_client(options) && (options.json || !options.json_file.empty())) {
    return "a server prints no results: give --json to the client";
  }
  if (entry(test_op(options)).atomic && (options.all_sizes || options.bytes > kAtomicBytes)) {
    return "atomics have 8 bytes: leave --size and --all away";
  }
  const bool polls_memory = test_op(options) == TestOp::kWrite || test_op(options) == TestOp::kPut;
  if (options.sleep && polls_memory && options.kind == TestKind::kLatency) {
    return "--events needs a completion to wait for, which --op write and put do without: use "
           "write_imm";
  }
  if (options.unsorted && (options.duration_ns != 0 || options.iterations > kSamplesMax)) {
    return fmt::format("--report-unsorted needs --iterations of at most {}", kSamplesMax);
  }
  return "";
}

TestOp test_op(const TestOptions& options) {
  return find_test_op(options.op).value_or(TestOp::kSend);  // the parser took nothing else
}

std::vector<std::uint64_t> test_sizes(const TestOptions& options) {
  if (entry(test_op(options)).atomic) return {kAtomicBytes};
  if (!options.all_sizes) return {options.bytes};
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t bytes = kAllSizesMin; bytes <= kAllSizesMax; bytes *= 2)
    sizes.push_back(bytes);
  return sizes;
}

MemoryKind memory_kind(const TestOptions& options) {
  return options.memory == "heap" ? MemoryKind::kHeap : MemoryKind::kRegistered;
}

NicChoice nic_choice(const TestOptions& options) {
  if (options.nic == "verbs") return NicChoice::kVerbs;
  return options.nic == "soft" ? NicChoice::kSoft : NicChoice::kAuto;
}

WireChoice wire_choice(const TestOptions& options) {
  if (options.wire == "udp") return WireChoice::kUdp;
  return options.wire == "shm" ? WireChoice::kShm : WireChoice::kAuto;
}

ContextOptions context_options(const TestOptions& options) {
  const bool single = options.threads == "single";
  return {.threads = single ? Threads::kSingle : Threads::kSafe,
          .progress = single || options.inline_progress ? Progress::kInline : Progress::kPassive,
          .nic = nic_choice(options),
          .wire = wire_choice(options),
          .address = options.address.empty() ? options.bind_address : options.address,
          .pcap_file = options.pcap_file,
          .faults = options.faults};
}

EndpointOptions endpoint_options(const TestOptions& options) {
  return {.profile = options.profile == "plain" ? Profile::kPlain : Profile::kMapwire,
          .send_entries = options.send_depth,
          .receive_entries = options.receive_depth,
          .deadline_ns = options.deadline_ns,
          .path_mtu = options.path_mtu,
          .private_data = {}};
}

}  // namespace mapwire::tools
