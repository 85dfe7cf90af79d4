// What a context runs with: the caller's options completed by those of the environment.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "mapwire/endpoints/context.h"
#include "mapwire/proto/address.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/options.h"

namespace mapwire::detail {

struct Settings {
  Threads threads = Threads::kSafe;
  Progress progress = Progress::kPassive;
  Options options;  // of the environment, with what the caller's options say put over it
  std::optional<proto::IpAddress> local;  // where rdma:// connects from; nothing: as the route says
  std::string address;                    // as in ContextOptions
};

// Errors: kBadOption (a MAPWIRE_* variable, no numeric local address).
std::expected<Settings, Error> make_settings(const ContextOptions& context);

// `endpoint` with what it leaves open filled in. Errors: kBadOption (out of range).
std::expected<EndpointOptions, Error> complete(const EndpointOptions& endpoint,
                                               const Options& options);

}  // namespace mapwire::detail
