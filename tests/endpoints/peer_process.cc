#include "tests/endpoints/peer_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/window.h"
#include "tests/endpoints/many_endpoints.h"
#include "tests/endpoints/pair.h"
#include "tests/endpoints/stored_round.h"
#include "tests/tlb/pages.h"

namespace mapwire::testing {
namespace {

constexpr const char* kRoleVariable = "PEER_ROLE";
constexpr const char* kAddressVariable = "PEER_ADDRESS";

std::vector<std::byte> as_private_data(const RemoteBuffer& remote) {
  const auto bytes = std::as_bytes(std::span{&remote, 1});
  return {bytes.begin(), bytes.end()};
}

// Puts into the imported buffer, its first byte last, until it is killed.
void put_without_end(Context& context, const std::string& address) {
  Window window = value_of(context.import_buffer(address, {.timeout_ns = kPatienceNs}));
  std::vector<std::byte> source(window.bytes(), std::byte{1});
  while (!window.error()) {
    if (window.put(1, std::span{source}.subspan(1), 0) == Code::kOk) {
      (void)window.put(0, std::span{source}.first(1), 0);
    }
    std::array<Completion, 16> done;
    context.poll(done);
  }
}

// Stores to memory bound to the buffer "pages", flushes and tells, whenever it is asked to.
void store_when_asked(NicChoice nic, const std::string& address) {
  Context context = value_of(Context::create({.nic = nic, .address = address}));
  Window window = value_of(context.import_buffer(address + "/pages", {.timeout_ns = kPatienceNs}));
  const Pages local{window.bytes() / tlb::kPageBytes};
  Binding binding = value_of(context.bind(local.memory(), std::move(window)));
  Endpoint endpoint = value_of(context.connect(address, {.timeout_ns = kPatienceNs}));
  StoredRound round{.seed = now_ns()};
  for (std::array<std::byte, 1> go{};;) {
    ASSERT_EQ(endpoint.post_receive(go, 1), Code::kOk);
    if (next_completion(context).status != Code::kOk) return;
    round.stores = ++round.seed % 2000;
    make_stores(round, local.memory());
    ASSERT_EQ(binding.flush(2), Code::kOk);
    ASSERT_EQ(next_completion(context).status, Code::kOk);
    round.payload_bytes = binding.counts().bytes;
    ASSERT_EQ(endpoint.post_send(std::as_bytes(std::span{&round, 1}), 3), Code::kOk);
    ASSERT_EQ(next_completion(context).status, Code::kOk);
  }
}

void wait_for_end_of_input() {
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

// Exports a buffer and tells, as private data, the port at which it is to be had.
void export_and_wait(Context& context, const std::string& address) {
  std::vector<std::byte> memory(kExportedBytes);
  const WindowMemory mappable = value_of(WindowMemory::create(kExportedBytes));
  const std::string host = address.substr(0, address.rfind(':'));
  const Listener listener = value_of(context.listen({.address = host + ":0"}));
  const Export exported = value_of(context.export_buffer("all", memory));
  const Export mapped = value_of(context.export_buffer("mappable", mappable));
  const std::uint16_t port = listener.port();
  const auto bytes = std::as_bytes(std::span{&port, 1});
  ConnectOptions options{.timeout_ns = kPatienceNs};
  options.endpoint.private_data = {bytes.begin(), bytes.end()};
  const Endpoint endpoint = value_of(context.connect(address, options));
  wait_for_end_of_input();
}

// As the "verbs_" of a role says.
Context make_context(const std::string& role, const std::string& address) {
  if (!role.starts_with("verbs_")) return value_of(Context::create());
  return value_of(
      Context::create({.nic = NicChoice::kVerbs, .address = address.substr(0, address.find('/'))}));
}

}  // namespace

// The other end of the tests with two processes; nothing by itself.
TEST(PeerProcess, DISABLED_role) {
  const std::string role = std::getenv(kRoleVariable);
  const std::string address = std::getenv(kAddressVariable);
  if (role == "storer") return store_when_asked(NicChoice::kSoft, address);
  if (role == "verbs_storer") return store_when_asked(NicChoice::kVerbs, address);
  Context context = make_context(role, address);
  if (role == "many") {
    connect_many(context, address);
    return;
  }
  if (role.ends_with("importer")) return put_without_end(context, address);
  if (role.ends_with("exporter")) return export_and_wait(context, address);
  MemoryRegion region = value_of(
      context.allocate(4096, {.remote_read = true, .remote_write = true, .remote_atomic = true}));
  ConnectOptions options{.timeout_ns = kPatienceNs};
  options.endpoint.private_data = as_private_data(region.remote());
  if (role == "without_receives") options.endpoint.profile = Profile::kPlain;
  Endpoint endpoint = value_of(context.connect(address, options));
  if (role == "sleeper") {
    // Not one call of the library for three seconds.
    std::this_thread::sleep_for(std::chrono::seconds{3});
    std::array<std::byte, 8> buffer{};
    ASSERT_EQ(endpoint.post_receive(buffer, 1), Code::kOk);
    Completion received = next_completion(context);
    ASSERT_EQ(received.status, Code::kOk);
    Code code = Code::kWouldBlock;
    while ((code = endpoint.post_send(buffer, 2)) == Code::kWouldBlock) context.poll({});
    ASSERT_EQ(code, Code::kOk);
    ASSERT_EQ(next_completion(context).status, Code::kOk);
  }
  wait_for_end_of_input();
}

PeerProcess::PeerProcess(const std::string& role, const std::string& address) {
  std::array<int, 2> input{};
  if (pipe2(input.data(), O_CLOEXEC) != 0) std::abort();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);

  std::vector<std::string> arguments{"/proc/self/exe", "--gtest_filter=PeerProcess.DISABLED_role",
                                     "--gtest_also_run_disabled_tests"};
  std::vector<std::string> variables{std::string{kRoleVariable} + "=" + role,
                                     std::string{kAddressVariable} + "=" + address};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (char** variable = environ; *variable != nullptr; ++variable) envp.push_back(*variable);
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);
  if (posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), envp.data()) != 0) {
    std::abort();
  }
  posix_spawn_file_actions_destroy(&actions);
  close(input[0]);
  stdin_ = input[1];
}

PeerProcess::~PeerProcess() {
  if (stdin_ >= 0) close(stdin_);
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void PeerProcess::send_signal(int signal) const {
  ASSERT_EQ(kill(pid_, signal), 0);
  if (signal != SIGSTOP) return;
  // It is not stopped at once, and would go on answering meanwhile.
  int status = 0;
  ASSERT_EQ(waitpid(pid_, &status, WUNTRACED), pid_);
  ASSERT_TRUE(WIFSTOPPED(status));
}

int PeerProcess::finish() {
  close(stdin_);
  stdin_ = -1;
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace mapwire::testing
