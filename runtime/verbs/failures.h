// The errors of the NIC over libibverbs: what a refused call means and what to do. They depend on
// their arguments alone, so that a table of injected failures can hold the texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mapwire/runtime/error.h"
#include "mapwire/runtime/verbs/verbs_device.h"

namespace mapwire::verbs {

// ibv_get_device_list failed.
Error list_refused(int os_errno);
// No device can be used at all, or not the one called `wanted` (empty: any): `candidates` say why.
Error no_device(const std::string& wanted, const std::vector<VerbsCandidate>& candidates);
// No GID of the device fits the local address.
Error no_gid(const std::string& device, const proto::IpAddress& local,
             const std::vector<VerbsCandidate>& candidates);
// ibv_open_device failed.
Error open_refused(const std::string& device, int os_errno);
// Making `object` (a completion queue, a queue pair...) failed.
Error object_refused(const std::string& device, std::string_view object, int os_errno);
// ibv_reg_mr failed; `memlock_bytes` is the limit of locked memory (UINT64_MAX: none).
Error region_refused(const std::string& device, std::size_t bytes, std::uint64_t memlock_bytes,
                     int os_errno);
// Moving a queue pair to `state` failed.
Error transition_refused(const std::string& device, std::uint32_t qpn, std::string_view state,
                         const proto::IpAddress& peer, int os_errno);
// rdma_create_event_channel failed.
Error manager_refused(int os_errno);
// The connection manager refused a local address: to listen at `service`, or to connect from it.
Error address_refused(const std::string& device, const proto::UdpAddress& service, int os_errno);

}  // namespace mapwire::verbs
