// The fixture of the conformance suite. Everything is written against runtime/nic.h alone, so that
// it holds for every NIC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "mapwire/proto/code.h"
#include "mapwire/proto/descriptor.h"
#include "mapwire/runtime/nic.h"
#include "tests/conformance/world.h"

namespace mapwire::conformance {

using proto::CompletionEntry;
using proto::ReceiveDescriptor;
using proto::SendDescriptor;
using proto::Sge;
using proto::WorkOpcode;

// Deadlines that no slow machine misses, for all tests but those of deadlines.
inline constexpr std::uint64_t kPatienceNs = 60'000'000'000;
inline constexpr QueuePairOptions kPatient{.send_entries = 64,
                                           .receive_entries = 64,
                                           .protection_domain = 1,
                                           .deadline_ns = kPatienceNs,
                                           .rnr_deadline_ns = kPatienceNs};
inline constexpr Access kAllRights{
    .local_write = true, .remote_read = true, .remote_write = true, .remote_atomic = true};

// One end of a connection.
struct End {
  std::size_t side = 0;
  QueuePairAddress address;
  Qpn qpn() const { return address.qpn; }
};

struct Connection {
  End left;   // at NIC 0
  End right;  // at NIC 1
  std::uint32_t path_mtu = 0;
};

// Memory of a test, registered at a NIC until it goes.
class Buffer {
 public:
  Buffer(Nic& nic, std::size_t bytes, Access access = kAllRights,
         std::uint32_t protection_domain = 1);
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  std::span<std::byte> bytes() { return bytes_; }
  std::uint64_t address(std::size_t offset = 0) const;
  Sge sge(std::size_t offset, std::size_t bytes) const;
  Sge sge() const { return sge(0, bytes_.size()); }
  const MemoryKeys& keys() const { return keys_; }
  // Writes bytes that differ for each seed and place.
  void fill(unsigned seed);
  std::uint64_t word(std::size_t offset) const;
  void set_word(std::size_t offset, std::uint64_t value);

 private:
  Nic& nic_;
  std::vector<std::byte> bytes_;
  MemoryKeys keys_;
};

// Descriptors. The memory of one-sided operations is `bytes` of `target` from `offset`.
ReceiveDescriptor receive_into(std::uint64_t cookie, std::initializer_list<Sge> elements);
SendDescriptor send_of(std::uint64_t cookie, std::initializer_list<Sge> elements);
SendDescriptor one_sided(std::uint64_t cookie, WorkOpcode opcode,
                         std::initializer_list<Sge> elements, const Buffer& target,
                         std::size_t offset = 0);
SendDescriptor compare_swap(std::uint64_t cookie, const Sge& original, const Buffer& target,
                            std::size_t offset, std::uint64_t compare, std::uint64_t swap);
SendDescriptor fetch_add(std::uint64_t cookie, const Sge& original, const Buffer& target,
                         std::size_t offset, std::uint64_t add);

class Conformance : public ::testing::TestWithParam<Column> {
 protected:
  void SetUp() override;

  Nic& nic(std::size_t side) { return world_->nic(side); }
  World& world() { return *world_; }

  // A connection from NIC 0 to NIC 1 with a path MTU of 1024 bytes.
  Connection connect(const QueuePairOptions& left = kPatient,
                     const QueuePairOptions& right = kPatient, std::uint32_t path_mtu = 1024);
  End open(std::size_t side, const QueuePairOptions& options);
  void connect_ends(const End& from, const End& to, std::uint32_t path_mtu);

  bool post_send(const End& end, const SendDescriptor& descriptor);
  bool post_receive(const End& end, const ReceiveDescriptor& descriptor);

  // Polls both NICs until `done`; false if that takes longer than kPatienceNs.
  bool poll_until(const std::function<bool()>& done);
  // The same, but leaves the completions in the NICs.
  bool poll_without_taking(const std::function<bool()>& done);
  // Polls both NICs for a while, for what must not happen.
  void poll_for(std::uint64_t duration_ns);

  // Waits for the next completion of a queue pair. One with cookie kNoCookie if none came.
  CompletionEntry next_completion(const End& end);
  // Completions of a queue pair that were polled and not asked for yet.
  std::size_t completions_waiting(const End& end) { return completions_of(end).size(); }
  // Waits for the next completion and expects its cookie and status.
  void expect_completion(const End& end, std::uint64_t cookie, Code status = Code::kOk);
  // Waits until poll_async reports `end` and expects the code.
  void expect_async(const End& end, Code code);

  // Sends a message of `bytes` each way and expects it to arrive: the connection is alive.
  void expect_alive(const Connection& connection, std::size_t bytes = 100);

  static constexpr std::uint64_t kNoCookie = UINT64_MAX;

 private:
  std::size_t poll_side(std::size_t side);
  void send_one(const End& from, const End& to, std::size_t bytes);
  std::deque<CompletionEntry>& completions_of(const End& end) {
    return completions_[{end.side, end.qpn()}];
  }

  std::unique_ptr<World> world_;
  std::map<std::pair<std::size_t, Qpn>, std::deque<CompletionEntry>> completions_;
};

inline std::string column_name(const ::testing::TestParamInfo<Column>& info) {
  return info.param.name;
}

}  // namespace mapwire::conformance
