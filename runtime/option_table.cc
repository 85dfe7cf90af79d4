#include <array>
#include <span>

#include "mapwire/runtime/detail/option_table.h"

namespace mapwire::detail {
namespace {

constexpr std::uint64_t kMicrosecondNs = 1'000;
constexpr std::uint64_t kMillisecondNs = 1'000'000;
constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kHourNs = 3600 * kSecondNs;

const std::array kRows{
    OptionRow{"MAPWIRE_LOG", LogLevelKind{&Options::log},
              "Lines of this level and of the more urgent ones are written to standard error."},
    OptionRow{"MAPWIRE_THREADS", SwitchKind{&Options::single_thread, "safe", "single"},
              "With `safe` any thread may call anything. With `single` no lock is taken, only the "
              "thread that created a context may use it, and progress is inline."},
    OptionRow{"MAPWIRE_PROGRESS", SwitchKind{&Options::inline_progress, "passive", "inline"},
              "With `passive` a helper thread serves the peers while the application does not "
              "poll. With `inline` only the calls of the application make progress."},
    OptionRow{
        "MAPWIRE_NIC", NicChoiceKind{&Options::nic},
        "`soft` needs nothing of the machine and reaches every address. `verbs` is an RDMA "
        "device, Soft-RoCE's included. `auto` takes the device that the route to the peer, or "
        "the address listened on, leads to, and the soft NIC where there is none."},
    OptionRow{
        "MAPWIRE_WIRE", WireChoiceKind{&Options::wire},
        "Of the soft NIC. `shm` is memory that the processes at both ends share, for peers in "
        "the same network namespace of the same host; `udp` reaches every address. `auto` is "
        "`shm` where both ends can, and `udp` elsewhere. With `shm` other peers are refused."},
    OptionRow{
        "MAPWIRE_TAKEOVER", DurationKind{&Options::takeover_ns, 10 * kMicrosecondNs, kSecondNs},
        "How long the application may not poll before the helper thread serves the peers. On an "
        "RDMA device, which serves them itself, at least 20ms."},
    OptionRow{
        "MAPWIRE_SPIN", DurationKind{&Options::spin_ns, 0, kMillisecondNs},
        "How long at most a call that waits looks for completions before it sleeps. Within "
        "this it adapts: waits that end soon make it longer, long ones shorten it to nothing. "
        "With `0us` a waiting call always sleeps at once. Polling and the event descriptor "
        "never spin."},
    OptionRow{"MAPWIRE_DEADLINE", DurationKind{&Options::deadline_ns, kMillisecondNs, kHourNs},
              "A peer that acknowledges nothing for so long fails what is outstanding, with "
              "`retry_exceeded`."},
    OptionRow{"MAPWIRE_CONNECT_TIMEOUT",
              DurationKind{&Options::connect_timeout_ns, kMillisecondNs, kHourNs},
              "How long connecting may take, the wait for a peer that starts later included."},
    OptionRow{"MAPWIRE_PATH_MTU", PathMtuKind{&Options::path_mtu},
              "The largest payload of a packet. With 0 it is the largest that the route and the "
              "peer allow."},
    OptionRow{"MAPWIRE_UDP_PORT", NumberKind<std::uint16_t>{&Options::udp_port},
              "The UDP port of the soft NIC. With 0 the system chooses; 4791 is RoCEv2's own, "
              "which one process per address may have and only where rdma_rxe is not loaded."},
    OptionRow{"MAPWIRE_UDP_PACKETS", SwitchKind{&Options::udp_single, "batched", "single"},
              "With `batched` the kernel carries consecutive packets of the soft NIC as one where "
              "it can, which captures on a loopback or virtual link show as one long packet. With "
              "`single` each goes by itself, several times slower: for such captures, and for "
              "networks that damage what they cut."},
    OptionRow{
        "MAPWIRE_TLB", SwitchKind{&Options::tlb_off, "on", "off"},
        "On an RDMA device. With `on` memory that is used again stays pinned between requests, "
        "as far as the kernel tells of its changes. With `off` each request that is not copied "
        "pins its memory for itself."},
    OptionRow{
        "MAPWIRE_TLB_POLICY", SwitchKind{&Options::tlb_lru, "clock", "lru"},
        "Which memory is unpinned when other memory wants room: with `clock` some that was not "
        "used lately, with `lru` what was not used for longest."},
    OptionRow{"MAPWIRE_TLB_COPY", SizeKind{&Options::tlb_copy_bytes},
              "On an RDMA device. Messages of up to so many bytes, in memory that is not pinned, "
              "are copied to where it is, as long as there is room: cheaper than to pin it for one "
              "request. With 0 none are."},
    OptionRow{"MAPWIRE_PIN_BUDGET", SizeKind{&Options::pin_budget_bytes},
              "How much memory a context pins on an RDMA device. With 0 seven eighths of the limit "
              "on locked memory (RLIMIT_MEMLOCK), if it binds this process, and at most half of "
              "the machine's memory."},
    OptionRow{
        "MAPWIRE_SEED", NumberKind<std::uint64_t>{&Options::seed},
        "Seed of the soft NIC's queue pair numbers, first packet sequence numbers, memory keys "
        "and connection numbers, to repeat a run: for tests, as a peer that is told some of "
        "them can compute the others. With 0 each is drawn from the system's randomness "
        "(getrandom), which tells nothing of the others."},
    OptionRow{"MAPWIRE_FAULTS", TextKind{&Options::faults, "faults"},
              "Faults put between the soft NIC and its wire, for tests, such as "
              "`loss=0.01,duplicate=0.01,reorder=0.01,flip=0.001,seed=7`: probabilities per packet "
              "and the seed of their choice."},
    OptionRow{"MAPWIRE_PCAP", TextKind{&Options::pcap_file, "file"},
              "Every packet of the soft NIC is also written to this file, which packet analysers "
              "read as RoCEv2."},
    OptionRow{"MAPWIRE_TRACE", TextKind{&Options::trace_file, "file"},
              "Every packet of the soft NIC is described by a line in this file."},
};

}  // namespace

std::span<const OptionRow> option_rows() { return kRows; }

}  // namespace mapwire::detail
