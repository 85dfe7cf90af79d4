#include "tools/local_server.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "tools/processors.h"
#include "tools/server.h"

namespace mapwire::tools {
namespace {

std::unexpected<Error> system_error(const char* call) {
  return std::unexpected(Error::from_errno(Code::kSystemCall, ErrorScope::kProcess, errno, call,
                                           "start `mapwire ping` in two shells instead"));
}

// The child's life. `port_pipe` is told the port.
[[noreturn]] void run_server(TestOptions options, std::optional<int> processor, int port_pipe) {
  setpgid(0, 0);  // Ctrl-C is for the client, which ends us
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (processor && !pin_to_processor(*processor)) _exit(static_cast<int>(ExitCode::kFailed));
  options.port = 0;
  options.once = true;
  options.pcap_file.clear();  // two processes can not write one file: the client does
  unsetenv("MAPWIRE_TRACE");
  const ExitCode code = serve(options, [port_pipe](const Listener& listener) {
    const std::uint16_t port = listener.port();
    if (write(port_pipe, &port, sizeof(port)) != sizeof(port)) raise(SIGTERM);
  });
  _exit(static_cast<int>(code));
}

}  // namespace

std::expected<LocalServer, Error> LocalServer::start(const TestOptions& options,
                                                     std::optional<int> processor) {
  std::array<int, 2> port_pipe{};
  if (pipe(port_pipe.data()) != 0) return system_error("pipe");
  const pid_t child = fork();
  if (child == 0) {
    close(port_pipe[0]);
    run_server(options, processor, port_pipe[1]);
  }
  close(port_pipe[1]);
  std::uint16_t port = 0;
  const bool told = child > 0 && read(port_pipe[0], &port, sizeof(port)) == sizeof(port);
  close(port_pipe[0]);
  if (child < 0) return system_error("fork");
  LocalServer server{child, port};
  if (told) return server;
  return std::unexpected(Error::make(Code::kSystemCall, ErrorScope::kProcess,
                                     "the server of --local did not start; its message is above"));
}

LocalServer::LocalServer(LocalServer&& other) noexcept
    : child_{std::exchange(other.child_, 0)}, port_{other.port_} {}

std::expected<void, Error> LocalServer::pause() {
  kill(child_, SIGSTOP);
  // WNOWAIT: if it has ended, its exit is for the destructor to take.
  siginfo_t state{};
  while (waitid(P_PID, static_cast<id_t>(child_), &state, WSTOPPED | WEXITED | WNOWAIT) < 0) {
    if (errno != EINTR) return system_error("waitid");
  }
  if (state.si_code == CLD_STOPPED) return {};
  return std::unexpected(Error::make(Code::kPeerDead, ErrorScope::kProcess,
                                     "the server of --local has ended; its message is above"));
}

void LocalServer::resume() { kill(child_, SIGCONT); }

LocalServer::~LocalServer() {
  if (child_ == 0) return;
  kill(child_, SIGTERM);
  resume();  // a stopped process does not end
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace mapwire::tools
