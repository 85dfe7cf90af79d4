// Export and import: a buffer of one process that others read and write as if it were theirs, in
// the manner of SHRIMP's virtual memory-mapped communication. The exporter does nothing for an
// access; docs/windows.md tells what is visible when, and what holds if the memory or a process
// goes.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "mapwire/endpoints/endpoint.h"
#include "mapwire/endpoints/memory.h"
#include "mapwire/endpoints/tripwire.h"
#include "mapwire/runtime/error.h"

namespace mapwire {

// What importers may do.
struct WindowRights {
  bool read = true;
  bool write = true;
  bool atomics = false;  // 8 bytes, aligned to 8
  friend bool operator==(const WindowRights&, const WindowRights&) = default;
};

// What becomes of the notifications of importers. What they wrote is there in any case.
enum class Notifications : std::uint8_t {
  kDelivered,  // each as a completion of the exporter's context
  kKept,       // until this changes
  kIgnored,
};

// Notifications of one importer that the exporter has not taken: one more waits at the importer,
// whose window fails if it has to for its deadline.
inline constexpr std::uint32_t kNotificationsMax = 16;

struct ExportOptions {
  WindowRights rights{};
  Notifications notifications = Notifications::kDelivered;
  std::uint64_t cookie = 0;  // of the completions of notifications
  // Importers have to know it; at most 255 bytes. Empty: every peer that reaches a listener of the
  // context may import (docs/security.md).
  std::string token{};
  // Only processes of this user on this host, by shared memory, may import: the kernel says who
  // they are (docs/security.md). Nothing: of every user.
  std::optional<uid_t> user{};
  // Importers do not map it (window_memory.h), so that tripwires see what they do.
  bool tripwires = false;
};

struct ImportOptions {
  std::string token{};
  // How long to wait for the peer and its export. 0: what MAPWIRE_CONNECT_TIMEOUT says, or 10 s.
  std::uint64_t timeout_ns = 0;
  // Requests under way at once: a power of two, 2..4096.
  std::uint32_t entries = 64;
  // A peer silent for so long fails what is outstanding. 0: what MAPWIRE_DEADLINE says, or 2 s.
  std::uint64_t deadline_ns = 0;
};

// A buffer that this process exports, as long as this lives. Importers are served through the
// context's listeners, by its helper thread or its polls.
//
// Threads: any, if the context was created with Threads::kSafe; otherwise the context's thread.
class Export {
 public:
  class Impl;
  explicit Export(std::unique_ptr<Impl> impl);
  Export(Export&&) noexcept;
  Export& operator=(Export&&) noexcept;
  // Unexports: the connections of importers are closed, and when it returns no access of theirs
  // reaches the memory any more.
  ~Export();

  // Importers that are connected. One that was given up and still runs can store into window memory
  // that it has mapped until the export ends.
  std::size_t imports() const;

  // For what arrives from now on. The completion of a notification (kNotification) comes after the
  // bytes have, and has the cookie of the export, the id of the connection that serves the
  // importer, the number that the importer gave as its immediate, and how many bytes it wrote.
  // Those that were kept are delivered or dropped now; with the export they end.
  void set_notifications(Notifications mode);

  // Puts a tripwire on `bytes` bytes at `offset` of the buffer, which accesses of importers trip.
  // On the soft NIC: a device does not tell of them. Errors: kInvalidArgument (not all in the
  // buffer; it trips on nothing; importers may map the memory, see ExportOptions::tripwires),
  // kLimitReached (kTripwiresMax), kNotSupported (the NIC), kEndpointClosed (the context is gone).
  std::expected<Tripwire, Error> set_tripwire(std::uint64_t offset, std::uint64_t bytes,
                                              const TripwireOptions& options = {});

 private:
  std::unique_ptr<Impl> impl_;
};

// Of a buffer whose parts are leased (docs/windows.md): a lease has at least so many bytes, and an
// access at most so many.
struct LeaseBytes {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};

// What an importer was told of the buffer. Where it is leased its key is none.
struct WindowTerms {
  RemoteBuffer memory;
  WindowRights rights;
  std::optional<LeaseBytes> leased{};
};

// An imported buffer. Every access completes in the context's poll() with the id of the window as
// its endpoint and the cookie; when it has, its effect is at the exporter's memory. Puts and
// atomics of one window take effect in their order, and a get sees those before it
// (docs/ordering.md has the rules). A post returns what Endpoint's do (endpoint.h), and
// kRemoteAccess if it reaches out of the buffer or lacks the right, kLimitReached if it has more
// bytes than the exporter, whose NIC is a device, may pin for its importers at once: nothing was
// posted then, and the window lives.
//
// Threads: as Endpoint. The source or target of an access belongs to the NIC until it completes.
class Window {
 public:
  Window(Endpoint endpoint, const WindowTerms& terms);

  EndpointId id() const { return endpoint_.id(); }
  std::uint64_t bytes() const { return terms_.memory.bytes; }
  const WindowRights& rights() const { return terms_.rights; }
  EndpointInfo info() const { return endpoint_.info(); }
  // Whether the exporter's memory is mapped here (window_memory.h): a put is a store of the calling
  // thread then, and over when its post returns, as are all accesses but put_notify. While one that
  // took the wire has not completed, others take it too.
  bool mapped() const;

  // Deliberate update: writes `source` to `offset` of the buffer.
  [[nodiscard]] Code put(std::uint64_t offset, ConstBuffer source, std::uint64_t cookie);
  // The same, and notifies the exporter afterwards if it wishes to be (Export::set_notifications).
  [[nodiscard]] Code put_notify(std::uint64_t offset, ConstBuffer source, std::uint32_t number,
                                std::uint64_t cookie);
  // Completes when every access posted before has taken effect at the exporter's memory. Needs no
  // right.
  [[nodiscard]] Code flush(std::uint64_t cookie);
  // Reads from `offset` of the buffer into all of `target`.
  [[nodiscard]] Code get(std::uint64_t offset, MutableBuffer target, std::uint64_t cookie);
  // The same with up to kElementsMax buffers, as Endpoint's: puts what is gathered from them, gets
  // what is scattered to them.
  [[nodiscard]] Code put(std::uint64_t offset, std::span<const ConstBuffer> sources,
                         std::uint64_t cookie);
  [[nodiscard]] Code get(std::uint64_t offset, std::span<const MutableBuffer> targets,
                         std::uint64_t cookie);
  // As Endpoint::post_fetch_add and post_compare_swap, on the 8 bytes at `offset`.
  [[nodiscard]] Code fetch_add(std::uint64_t offset, std::uint64_t amount, std::uint64_t& original,
                               std::uint64_t cookie);
  [[nodiscard]] Code compare_swap(std::uint64_t offset, std::uint64_t compare, std::uint64_t swap,
                                  std::uint64_t& original, std::uint64_t cookie);

  // Where `bytes` bytes at `offset` are, for whom this right allows them; nothing if it does not,
  // or they reach out of the buffer.
  std::optional<RemoteBuffer> reach(bool WindowRights::* right, std::uint64_t offset,
                                    std::uint64_t bytes) const;

  // Puts a tripwire on `bytes` bytes at `offset` of the buffer, which accesses through this window
  // trip, those of a binding or an AsyncWindow too. On every NIC, mapped or not. Errors:
  // kInvalidArgument (not all in the buffer; it trips on nothing), kLimitReached (kTripwiresMax).
  std::expected<Tripwire, Error> set_tripwire(std::uint64_t offset, std::uint64_t bytes,
                                              const TripwireOptions& options = {});

  // Ends the import; what is outstanding completes with kFlushed. Idempotent.
  void close() { endpoint_.close(); }
  // Why the window is dead, or nothing while it lives. The exporter's end of the export is
  // kPeerClosed.
  std::optional<Error> error() const { return endpoint_.error(); }

 private:
  friend class AsyncWindow;
  friend class Binding;
  friend class detail::Updater;
  bool allows(bool WindowRights::* right, std::uint64_t offset, std::uint64_t bytes) const;
  template <class Buffer>
  Code access_elements(bool WindowRights::* right, std::uint64_t offset,
                       std::span<const Buffer> elements, std::uint64_t cookie);
  Endpoint endpoint_;
  WindowTerms terms_;
};

}  // namespace mapwire
