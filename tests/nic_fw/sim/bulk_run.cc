#include "tests/nic_fw/sim/bulk_run.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "mapwire/nic_fw/fault_wire.h"
#include "mapwire/nic_fw/sim_network.h"
#include "mapwire/nic_fw/sim_wire.h"
#include "mapwire/proto/address.h"
#include "tests/nic_fw/sim/host.h"
#include "tests/nic_fw/sim/random.h"
#include "tests/nic_fw/sim/simulation.h"
#include "tests/nic_fw/sim/verdict.h"

namespace mapwire::nic_fw::sim {
namespace {

constexpr std::uint32_t kMessageBytes = 256 * 1024;
constexpr std::uint32_t kQueueEntries = 64;  // 16 MiB: the application is never what limits

struct BulkTarget {
  std::uint64_t address;
  std::uint32_t rkey;
};

// Keeps the send queue full of WRITEs or READs of one range and counts what completed in time.
class BulkUser final : public QueuePairUser {
 public:
  BulkUser(Host& requester, std::size_t queue_pair, const BulkTarget& target,
           std::uint64_t start_ns, const BulkOptions& options, Verdict& verdict)
      : host_{requester},
        pair_{requester.queue_pair(queue_pair)},
        options_{options},
        start_ns_{start_ns},
        verdict_{verdict},
        local_(kMessageBytes) {
    for (const BulkRequest& request : options.requests) {
      proto::SendDescriptor& descriptor = descriptors_.emplace_back();
      descriptor.opcode = request.opcode;
      descriptor.sge_count = 1;
      descriptor.sge[0] = {.address = reinterpret_cast<std::uint64_t>(local_.data()),
                           .bytes = request.bytes};
      descriptor.remote_address = target.address;
      descriptor.rkey = target.rkey;
    }
  }

  std::uint64_t next_post_ns() override {
    return pair_.send.free_entries() > 0 ? start_ns_ : kNever;
  }

  void post(std::uint64_t now_ns) override {
    if (next_post_ns() > now_ns) return;
    while (pair_.send.try_push(descriptors_[next_])) next_ = (next_ + 1) % descriptors_.size();
    host_.engine().on_send_doorbell(pair_.address.qpn, now_ns);
  }

  void on_completion(const proto::CompletionEntry& entry, std::uint64_t now_ns) override {
    if (entry.status != 0) verdict_.fail("a request failed");
    if (now_ns >= options_.from_ns) bytes_ += entry.bytes;
  }

  double megabits_per_second() const {
    return static_cast<double>(bytes_) * 8e3 /
           static_cast<double>(options_.to_ns - options_.from_ns);
  }

 private:
  Host& host_;
  HostQueuePair& pair_;
  BulkOptions options_;
  std::uint64_t start_ns_;
  Verdict& verdict_;
  std::vector<std::byte> local_;
  std::vector<proto::SendDescriptor> descriptors_;
  std::size_t next_ = 0;
  std::uint64_t bytes_ = 0;
};

// Nothing completes at the target of WRITEs and READs.
class IdleUser final : public QueuePairUser {
 public:
  void post(std::uint64_t) override {}
  std::uint64_t next_post_ns() override { return kNever; }
  void on_completion(const proto::CompletionEntry&, std::uint64_t) override {}
};

class BulkRun {
 public:
  explicit BulkRun(const BulkOptions& options)
      : options_{options}, random_{options.seed}, simulation_{random_, verdict_} {
    const SimLinkOptions data{.bits_per_second = options.bits_per_second,
                              .delay_ns = options.round_trip_ns / 2,
                              .queue_bytes_max = options.queue_bytes_max};
    const bool reads = options.requests.front().opcode == proto::WorkOpcode::kRead;
    const SimLinkOptions free{.delay_ns = options.round_trip_ns / 2};
    there_ = network_.add_link(reads ? free : data);
    back_ = network_.add_link(reads ? data : free);
    for (const std::uint64_t start_ns : options.start_ns) add_flow(start_ns);
  }

  BulkReport run() {
    simulation_.run(options_.to_ns, [] { return false; });
    BulkReport report;
    for (const BulkUser& user : users_) {
      report.megabits_per_second.push_back(verdict_.failed() ? 0 : user.megabits_per_second());
    }
    for (const Host& host : hosts_) report.timeouts += host.counts().timeouts;
    return report;
  }

 private:
  Host& add_host(SimLinkId egress, double loss) {
    const auto index = static_cast<std::uint8_t>(hosts_.size() + 1);
    proto::UdpAddress address{.ip = {.bytes = {10, 0, 0, index}}, .port = proto::kRocePort};
    auto wire = std::make_unique<FaultWire>(make_sim_wire(network_, egress),
                                            FaultOptions{.loss = loss, .seed = random_.next()});
    Host& host =
        hosts_.emplace_back(HostOptions{.engine = {.queue_pairs_max = 4,
                                                   .memory_regions_max = 4,
                                                   .random = std::mt19937_64{random_.next()}},
                                        .address = address,
                                        .completion_entries = 4 * kQueueEntries},
                            std::move(wire));
    // Hosts are never exactly in step; without this, drop-tail would always strike the same flow.
    simulation_.add(host, {.delay_ns_max = 5'000});
    return host;
  }

  void add_flow(std::uint64_t start_ns) {
    Host& requester = add_host(there_, options_.loss_there);
    Host& responder = add_host(back_, options_.loss_back);
    const QueuePairOptions options{.send_entries = kQueueEntries, .receive_entries = 2};
    const std::size_t from = requester.open(options);
    const std::size_t to = responder.open(options);
    if (!connect(requester, from, responder, to, options_.path_mtu, 0)) verdict_.fail("refused");
    std::vector<std::byte>& target = targets_.emplace_back(kMessageBytes);
    const auto keys = responder.engine().register_memory(
        target, {.remote_read = true, .remote_write = true}, kProtectionDomain);
    if (!keys) return verdict_.fail("refused");
    const BulkTarget remote{reinterpret_cast<std::uint64_t>(target.data()), keys->rkey};
    simulation_.attach(requester, from,
                       users_.emplace_back(requester, from, remote, start_ns, options_, verdict_));
    simulation_.attach(responder, to, idle_);
  }

  BulkOptions options_;
  Random random_;
  Verdict verdict_;
  SimNetwork network_;
  SimLinkId there_ = 0;
  SimLinkId back_ = 0;
  std::deque<Host> hosts_;
  std::deque<std::vector<std::byte>> targets_;
  std::deque<BulkUser> users_;
  IdleUser idle_;
  Simulation simulation_;
};

}  // namespace

BulkReport run_bulk(const BulkOptions& options) { return BulkRun{options}.run(); }

}  // namespace mapwire::nic_fw::sim
