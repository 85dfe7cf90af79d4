#include "mapwire/endpoints/detail/context_lock.h"

#include <cstdio>
#include <cstdlib>

namespace mapwire::detail {

void ContextLock::abort_wrong_thread() {
  std::fputs(
      "mapwire: a context made with Threads::kSingle was used by another thread than the one that "
      "made it; make it with Threads::kSafe, or one context per thread\n",
      stderr);
  std::abort();
}

}  // namespace mapwire::detail
