// A second process that plays the peer: this test program again, told by its environment to run
// one role (peer_process.cc). It connects to the test's listener, or imports the test's buffer, and
// then does as its role says, until the test kills it or closes the pipe that is its standard
// input.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace mapwire::testing {

// Of each of the buffers that the role "exporter" exports as "all" and, of window memory, as
// "mappable".
inline constexpr std::size_t kExportedBytes = 65536;

class PeerProcess {
 public:
  // Starts the role with the address it is to connect to.
  PeerProcess(const std::string& role, const std::string& address);
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;
  // Ends it, whatever its state.
  ~PeerProcess();

  // After SIGSTOP it returns when the process has stopped.
  void send_signal(int signal) const;
  // Lets the role end by itself, and waits for it; its exit status.
  int finish();

 private:
  pid_t pid_ = -1;
  int stdin_ = -1;
};

}  // namespace mapwire::testing
