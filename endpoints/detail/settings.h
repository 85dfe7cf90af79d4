// What a context runs with: the caller's options completed by those of the environment.
#pragma once

#include <cstdint>
#include <expected>

#include "mapwire/endpoints/context.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/options.h"

namespace mapwire::detail {

struct Settings {
  Threads threads = Threads::kSafe;
  Progress progress = Progress::kPassive;
  Options options;  // of the environment, with what the caller's options say put over it
};

// Errors: kBadOption (a MAPWIRE_* variable).
std::expected<Settings, Error> make_settings(const ContextOptions& context);

// `endpoint` with what it leaves open filled in. Errors: kBadOption (out of range).
std::expected<EndpointOptions, Error> complete(const EndpointOptions& endpoint,
                                               const Options& options);

}  // namespace mapwire::detail
