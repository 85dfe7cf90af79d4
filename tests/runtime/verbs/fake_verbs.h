// A libibverbs for tests, linked in the place of the real one: a machine with one Soft-RoCE device
// in good order, until a test spoils it. Nothing travels: the test says how requests end.
#pragma once

#include <infiniband/verbs.h>

#include <deque>
#include <vector>

#include "mapwire/proto/address.h"

namespace mapwire::verbs {

inline constexpr proto::IpAddress kLocal{.bytes = {10, 9, 0, 1}};  // of the device
inline constexpr proto::IpAddress kPeer{.bytes = {10, 9, 0, 2}};

// The errno with which a call fails; 0: it works.
struct RefusedCalls {
  int get_device_list = 0;
  int open_device = 0;
  int alloc_pd = 0;
  int create_comp_channel = 0;
  int create_cq = 0;
  int create_qp = 0;
  int reg_mr = 0;
  int modify_to_init = 0;
  int modify_to_rtr = 0;
  int modify_to_rts = 0;
  int post_send = 0;
  // Of librdmacm (fake_rdma_cm.cc).
  int create_event_channel = 0;
  int bind_addr = 0;
  int resolve_addr = 0;
};

struct FakeVerbs {
  bool has_device = true;
  ibv_port_attr port{};
  std::vector<ibv_gid_entry> gids;
  RefusedCalls refused;
  ibv_wc_status send_status = IBV_WC_SUCCESS;  // how sends end
  bool sends_end = true;                       // false: nothing is heard of them
  std::deque<ibv_wc> completions;
  std::deque<ibv_async_event> events;
  ibv_qp* last_pair = nullptr;

  // rxe0, port 1 up, GID 0 fe80::1 and GID 1 10.9.0.1 on `lo`.
  FakeVerbs();
};

// The machine of this process.
FakeVerbs& fake_verbs();

}  // namespace mapwire::verbs
