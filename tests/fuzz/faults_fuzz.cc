// The text of MAPWIRE_FAULTS.
#include "mapwire/nic_fw/fault_options.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  const auto options = nic_fw::parse_fault_options(fuzz::Input{data, size}.text());
  if (!options) {
    fuzz::require(options.error().code == Code::kBadOption, "the code is bad_option");
    return 0;
  }
  for (double probability : {options->loss, options->duplicate, options->reorder, options->flip}) {
    fuzz::require(probability >= 0 && probability <= 1, "a probability is one");
  }
  return 0;
}
