// Owners of libibverbs objects. Each destroys its object; what an object stands on must be
// destroyed after it, which the order of members gives.
#pragma once

#include <infiniband/verbs.h>

#include <memory>

namespace mapwire::verbs {

template <auto kDestroy>
struct Destroy {
  template <class Object>
  void operator()(Object* object) const {
    kDestroy(object);
  }
};

using DeviceHandle = std::unique_ptr<ibv_context, Destroy<&ibv_close_device>>;
using DomainHandle = std::unique_ptr<ibv_pd, Destroy<&ibv_dealloc_pd>>;
using ChannelHandle = std::unique_ptr<ibv_comp_channel, Destroy<&ibv_destroy_comp_channel>>;
using CompletionQueueHandle = std::unique_ptr<ibv_cq, Destroy<&ibv_destroy_cq>>;
using QueuePairHandle = std::unique_ptr<ibv_qp, Destroy<&ibv_destroy_qp>>;
using RegionHandle = std::unique_ptr<ibv_mr, Destroy<&ibv_dereg_mr>>;
using DeviceListHandle = std::unique_ptr<ibv_device*, Destroy<&ibv_free_device_list>>;

}  // namespace mapwire::verbs
