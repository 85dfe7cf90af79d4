// Counter files. An input is laid over the start of an otherwise zero file, so that the fuzzer need
// not find the 64 KiB by itself; one of another length is tried as it is, too.
#include <algorithm>
#include <vector>

#include "mapwire/proto/counter_layout.h"
#include "mapwire/runtime/counters.h"
#include "tests/fuzz/fuzz.h"

namespace mapwire {
namespace {

void check(std::span<const std::byte> file) {
  const auto values = CounterBlock::parse(file);
  if (!values) {
    fuzz::require(values.error().code == Code::kBadFile, "the code is bad_file");
    return;
  }
  fuzz::require(values->size() <= proto::kCountersMax, "no more counters than fit");
  for (const CounterValue& value : *values) {
    fuzz::require(proto::is_counter_name(value.name), "a name is one");
  }
}

}  // namespace
}  // namespace mapwire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  const auto bytes = fuzz::Input{data, size}.rest();
  check(bytes);
  std::vector<std::byte> file(sizeof(proto::CounterFile));
  std::ranges::copy(bytes.first(std::min(bytes.size(), file.size())), file.begin());
  check(file);
  return 0;
}
