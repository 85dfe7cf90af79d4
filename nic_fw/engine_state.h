// The body of Engine, for the files that implement it.
#pragma once

#include "mapwire/nic_fw/engine.h"
#include "mapwire/nic_fw/engine_core.h"

namespace mapwire::nic_fw {

struct Engine::State : EngineCore {
  using EngineCore::EngineCore;
};

}  // namespace mapwire::nic_fw
