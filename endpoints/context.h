// A context: the NICs of a process, its registered memory and the completions of its endpoints.
// Most programs have one; a program that wants a completion queue per thread makes one per thread.
//
// With Threads::kSingle every call below, and Listener::accept, that returns an error may return
// kWrongThread as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mapwire/endpoints/binding.h"
#include "mapwire/endpoints/completion.h"
#include "mapwire/endpoints/endpoint.h"
#include "mapwire/endpoints/listener.h"
#include "mapwire/endpoints/memory.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/endpoints/window_memory.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/nic.h"
#include "mapwire/runtime/nic_choice.h"

namespace mapwire {

enum class Threads : std::uint8_t {
  kSafe,    // any thread may call anything
  kSingle,  // only the thread that created it; other callers get kWrongThread or abort (no lock is
            // taken)
};

enum class Progress : std::uint8_t {
  kPassive,  // a helper thread serves the peers while the application does not poll
  kInline,   // only the application's calls make progress; implied by Threads::kSingle
};

struct ContextOptions {
  Threads threads = Threads::kSafe;
  Progress progress = Progress::kPassive;
  // The kind of its one NIC. Nothing: what MAPWIRE_NIC says, or `auto`.
  std::optional<NicChoice> nic{};
  // The wire of the soft NIC. Nothing: what MAPWIRE_WIRE says, or `auto`.
  std::optional<WireChoice> wire{};
  // How long at most wait() looks for completions before it sleeps, at most 1 ms; 0: it always
  // sleeps at once. Nothing: what MAPWIRE_SPIN says, or 50 us.
  std::optional<std::uint64_t> spin_ns{};
  // Where the context will connect to or listen, as connect() and listen() take it: `auto` and
  // `verbs` choose the RDMA device by its route. Empty: `auto` takes the soft NIC, which reaches
  // all, and `verbs` the first device that works. A device reaches and serves its own addresses
  // alone.
  std::string address{};
  // Every packet is also written to this file (pcap, dissected as RoCEv2). Empty: none.
  std::string pcap_file{};
  // Faults put between the soft NIC and its wire, as
  // "loss=0.01,duplicate=0.01,reorder=0.01,flip=0.001, seed=7" (docs/options.md). Empty: none.
  std::string faults{};
  // The numeric IP address of this host that connections to rdma:// addresses leave from; one
  // context can have it (docs/foreign_peers.md). Empty: as the route says.
  std::string local_address{};
};

struct ConnectOptions {
  // Of the whole set-up; the peer may start later than we. 0: what MAPWIRE_CONNECT_TIMEOUT says, or
  // 10 s.
  std::uint64_t timeout_ns = 0;
  EndpointOptions endpoint{};
};

class Context {
 public:
  class Impl;
  // Looks options.address up. Errors: kBadOption, kBadFile (the packet or trace file can not be
  // written), kSystemCall (no descriptors, no sockets), kOutOfMemory, kNoUsableNic (no RDMA device,
  // or none for the address, where one was asked for), kPermission, kLimitReached.
  static std::expected<Context, Error> create(const ContextOptions& options = {});
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;
  // Closes all endpoints and listeners of it; their handles stay valid and answer kEndpointClosed.
  // Waits, for at most a second each, until good-byes have left and peers of rdma:// connections
  // have confirmed them.
  ~Context();

  // Errors: kUnknownHost (also if no name server answers within MAPWIRE_CONNECT_TIMEOUT),
  // kAddressInUse, kPermission, kSystemCall (not an address of this host),
  // kBadOption, kEndpointClosed (the context went meanwhile); with rdma:// kRocePortInUse,
  // kNoUsableNic.
  std::expected<Listener, Error> listen(const ListenOptions& options = {});

  // Connects to "host[:port]" or "[v6%interface]:port". Waits for a peer that has not started yet.
  // "rdma://" in front: to a peer of any make that listens by rdma_cm (docs/foreign_peers.md), with
  // the plain profile whatever the options say and at most 56 bytes of private data.
  // Errors: kUnknownHost (also if no name server answers in time), kConnectionRefused or
  // kConnectTimeout (deadline, by what was seen last), kVersionMismatch, kProtocolError,
  // kPeerRefused, kAddressTranslated, kPathBlocked, kMtuBlackHole, kMtuMismatch, kNoUsableNic,
  // kLimitReached (here or at the peer), kAddressInUse (MAPWIRE_UDP_PORT), kSystemCall (no route,
  // no sockets), kBadOption, kEndpointClosed (the context or the endpoint went meanwhile); with
  // rdma:// kRocePortInUse.
  std::expected<Endpoint, Error> connect(std::string_view address,
                                         const ConnectOptions& options = {});

  // Exports memory of the caller under `name` (1 to 255 printable ASCII characters, no blanks) to
  // peers that import it through any listener of this context. On the soft NIC nothing is pinned,
  // however large it is, and memory that is unmapped meanwhile is refused to peers, unless
  // rights.atomics: such memory stays mapped while the Export lives, as on a device, which pins all
  // of it. Exports may overlap, as with other rights. Errors: kInvalidArgument (empty memory, or a
  // page of it is not mapped; the name), kLimitReached, kOutOfMemory.
  std::expected<Export, Error> export_buffer(std::string_view name, std::span<std::byte> memory,
                                             const ExportOptions& options = {});
  // The same for memory that importers of this host may map (window_memory.h). Errors: also
  // kInvalidArgument if another Export of it lives, kSystemCall.
  std::expected<Export, Error> export_buffer(std::string_view name, const WindowMemory& memory,
                                             const ExportOptions& options = {});
  // Imports the buffer that "host[:port]/name" exports; waits until it is exported. Errors: those
  // of connect(), kNotExported (not in time), kPermission (the token).
  std::expected<Window, Error> import_buffer(std::string_view address,
                                             const ImportOptions& options = {});

  // Binds memory of the caller, whole pages, to `window`: what is stored there from now on appears
  // in the window (binding.h). Errors: kInvalidArgument (no whole pages, not readable, not all in
  // the window, no right to write, exported by this context for writing, another context's window
  // or one of which completions have not been polled, the interval), and what the window's error()
  // is.
  std::expected<Binding, Error> bind(std::span<std::byte> memory, Window window,
                                     const BindOptions& options = {});

  // Registers memory of the caller, which keeps it mapped while the region lives.
  // Errors: kInvalidArgument (empty), kLimitReached, kOutOfMemory.
  std::expected<MemoryRegion, Error> register_memory(std::span<std::byte> memory,
                                                     Access access = {});

  // Makes an arena buffer of `bytes` zeros, registered. Errors: kInvalidArgument (0),
  // kLimitReached, kOutOfMemory, kSystemCall.
  std::expected<MemoryRegion, Error> allocate(std::size_t bytes, Access access = {});

  // What the NIC of this context can do, and why it is this one. Threads: any.
  const NicAttributes& nic_attributes() const;
  const std::string& nic_reason() const;

  // Makes progress and takes up to completions.size() completions out; returns their number, at
  // once.
  std::size_t poll(std::span<Completion> completions);

  // Like poll(), but waits until there is a completion or `timeout_ns` has passed; 0 then. Also
  // returns 0 when credits have come for a send that would have blocked. Sleeps, but for a while at
  // first if the waits before ended soon (ContextOptions::spin_ns).
  std::size_t wait(std::span<Completion> completions, std::uint64_t timeout_ns);

  // A descriptor to wait on in an event loop: after arm() returned true it becomes readable when
  // poll() has something to do, or credits have come for a send that would have blocked. Owned by
  // the context.
  int event_fd() const;
  // False: there is something already, poll first. To be called again after each poll(). One waiter
  // at a time.
  bool arm();

 private:
  explicit Context(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace mapwire
