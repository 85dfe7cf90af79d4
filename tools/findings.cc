#include "tools/findings.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace mapwire::tools {
namespace {

// Below this a program that registers a few large buffers meets the limit; container runtimes give
// as little by default.
constexpr std::uint64_t kMemlockComfort = 64ULL << 20U;

struct KnownKernel {
  std::string_view prefix;
  std::string_view matter;
};

constexpr std::array kKnownKernels{
    KnownKernel{"6.19.0-rc",
                "rdma_rxe may use a queue pair after it was destroyed (CVE-2026-45910)"},
};

}  // namespace

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk: return "ok";
    case Verdict::kNote: return "note";
    case Verdict::kWrong: return "wrong";
  }
  return "";
}

Finding check_udp(const Machine& machine) {
  if (machine.udp_errno == 0)
    return {"udp", Verdict::kOk, "the soft NIC can have a UDP socket", ""};
  return {"udp", Verdict::kWrong,
          fmt::format("the soft NIC gets no UDP socket: {}", std::strerror(machine.udp_errno)),
          "allow IPv4 sockets in this sandbox or container, and raise `ulimit -n`"};
}

Finding check_memlock(const Machine& machine) {
  if (machine.memlock_bytes == kUnlimited) {
    return {"memlock", Verdict::kOk, "memory may be pinned without limit", ""};
  }
  const std::string text =
      fmt::format("{} KiB may be pinned (RLIMIT_MEMLOCK)", machine.memlock_bytes >> 10U);
  if (machine.memlock_bytes >= kMemlockComfort) return {"memlock", Verdict::kOk, text, ""};
  return {
      "memlock", Verdict::kNote, text + "; that is all that buffers on an RDMA device have",
      "raise it: `ulimit -l unlimited`, `docker run --ulimit memlock=-1`, LimitMEMLOCK=infinity "
      "in a systemd unit, or a memlock line in /etc/security/limits.conf"};
}

Finding check_tlb(const Machine& machine) {
  if (machine.tlb_obstacle.empty()) {
    return {"tlb", Verdict::kOk, "memory that is used again stays pinned on an RDMA device", ""};
  }
  return {"tlb", Verdict::kNote,
          "every request pins its memory anew on an RDMA device: " + machine.tlb_obstacle,
          "mend that, or register buffers explicitly"};
}

Finding check_roce_port(const Machine& machine) {
  if (machine.roce_port_errno == 0) {
    return {"port_4791", Verdict::kOk, "UDP port 4791 is free for peers of another make", ""};
  }
  return {
      "port_4791", Verdict::kNote,
      fmt::format("UDP port 4791: {}; rdma_rxe or another program has it. Peers of another make "
                  "reach no soft NIC here; mapwire's own peers need another port anyway",
                  std::strerror(machine.roce_port_errno)),
      "to see who has it: `ss -lunp sport = :4791` (rdma_rxe shows no process); use a network "
      "namespace without rdma_rxe"};
}

Finding check_kernel(const Machine& machine) {
  for (const KnownKernel& known : kKnownKernels) {
    if (machine.kernel.starts_with(known.prefix)) {
      return {"kernel", Verdict::kNote, fmt::format("Linux {}: {}", machine.kernel, known.matter),
              "upgrade the kernel, or use the soft NIC (MAPWIRE_NIC=soft)"};
    }
  }
  return {"kernel", Verdict::kOk, fmt::format("Linux {}: nothing known against it", machine.kernel),
          ""};
}

std::vector<Finding> examine(const Machine& machine) {
  return {check_udp(machine),        check_module(machine),     check_device(machine),
          check_permission(machine), check_port_state(machine), check_gid(machine),
          check_mtu(machine),        check_memlock(machine),    check_tlb(machine),
          check_roce_port(machine),  check_kernel(machine)};
}

}  // namespace mapwire::tools
