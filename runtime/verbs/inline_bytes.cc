// No query tells a device's limit of inline data; only a queue pair does.
#include <cstdint>
#include <string>

#include "mapwire/runtime/verbs/handles.h"
#include "mapwire/runtime/verbs/open_device.h"
#include "mapwire/runtime/verbs/queue_pair.h"
#include "mapwire/runtime/verbs/verbs_device.h"

namespace mapwire {

std::uint32_t verbs_inline_bytes(const std::string& device) {
  const auto context = verbs::open_device(device);
  if (!context) return 0;
  const verbs::DomainHandle domain{ibv_alloc_pd(context->get())};
  const verbs::CompletionQueueHandle completions{
      ibv_create_cq(context->get(), 2, nullptr, nullptr, 0)};
  if (!domain || !completions) return 0;
  std::uint32_t bytes = 0;
  const auto pair = verbs::create_queue_pair(device, domain.get(), completions.get(),
                                             {.send_entries = 1, .receive_entries = 1}, bytes);
  return pair ? bytes : 0;
}

}  // namespace mapwire
