#include "tests/callers/seam.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "mapwire/endpoints/detail/test_seam.h"
#include "mapwire/runtime/counters.h"
#include "tests/pinning_nic.h"

namespace mapwire {
namespace {

std::unique_ptr<Nic> with_pins(std::unique_ptr<Nic> nic) {
  auto pinning = testing::make_pinning_nic(std::move(nic));
  if (!pinning) {
    std::fprintf(stderr, "%s\n", pinning.error().message.c_str());
    std::exit(1);
  }
  return std::move(*pinning);
}

}  // namespace
}  // namespace mapwire

void mapwire_test_pin(int verify) {
  mapwire::detail::test_seam() = {.wrap_nic = mapwire::with_pins,
                                  .verify_translations = verify != 0};
}

std::uint64_t mapwire_test_hits() {
  std::uint64_t hits = 0;
  const auto values = mapwire::CounterBlock::read(getpid());
  if (!values) return 0;
  for (const auto& value : *values) {
    if (value.name == "tlb.hits") hits += value.value;
  }
  return hits;
}
