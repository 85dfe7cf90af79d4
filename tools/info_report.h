// What `mapwire info` prints, as text and as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/connection_choice.h"
#include "tools/nic_report.h"

namespace mapwire::tools {

struct InfoReport {
  std::string version;  // of mapwire
  std::uint32_t protocol = 0;
  std::string libibverbs;
  std::string kernel;
  std::uint64_t memlock_bytes = 0;  // kUnlimited
  std::string tracking_obstacle{};  // why the kernel does not tell of stores; empty: it does
  std::vector<NicReport> nics{};
  std::string no_devices{};  // why no RDMA device is among them; empty: there is one
  std::optional<ConnectionChoice> choice{};
};

// In the manner of `ibv_devinfo -v`. Without a newline at the end, as print_result() wants it.
std::string info_text(const InfoReport& report);

// A document of docs/schema/info.schema.json.
std::string info_json(const InfoReport& report);

}  // namespace mapwire::tools
