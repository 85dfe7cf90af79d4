// A librdmacm for tests, beside the libibverbs of fake_verbs.h: its calls work, and nothing comes
// of them, unless the test refuses them.
#include <rdma/rdma_cma.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "tests/runtime/verbs/fake_verbs.h"

namespace {

int answer(int refusal) {
  errno = refusal;
  return refusal == 0 ? 0 : -1;
}

}  // namespace

using mapwire::verbs::fake_verbs;

extern "C" {

rdma_event_channel* rdma_create_event_channel() {
  if (answer(fake_verbs().refused.create_event_channel) != 0) return nullptr;
  return new rdma_event_channel{.fd = ::eventfd(0, EFD_CLOEXEC)};
}

void rdma_destroy_event_channel(rdma_event_channel* channel) {
  ::close(channel->fd);
  delete channel;
}

int rdma_create_id(rdma_event_channel* channel, rdma_cm_id** id, void* context,
                   rdma_port_space /*ps*/) {
  auto made = std::make_unique<rdma_cm_id>();
  made->channel = channel;
  made->context = context;
  *id = made.release();
  return 0;
}

int rdma_destroy_id(rdma_cm_id* id) {
  delete id;
  return 0;
}

int rdma_bind_addr(rdma_cm_id* /*id*/, sockaddr* /*addr*/) {
  return answer(fake_verbs().refused.bind_addr);
}
int rdma_listen(rdma_cm_id* /*id*/, int /*backlog*/) { return 0; }
int rdma_resolve_addr(rdma_cm_id* /*id*/, sockaddr* /*src_addr*/, sockaddr* /*dst_addr*/,
                      int /*timeout_ms*/) {
  return answer(fake_verbs().refused.resolve_addr);
}
int rdma_get_cm_event(rdma_event_channel* /*channel*/, rdma_cm_event** /*event*/) {
  return answer(EAGAIN);
}

}  // extern "C"
