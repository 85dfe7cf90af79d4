#include "tools/describe.h"

#include "mapwire/runtime/version.h"
#include "tools/processors.h"

namespace mapwire::tools {

EndDescription describe_this_end(const TestOptions& options) {
  const bool runs_inline = context_options(options).progress == Progress::kInline;
  return {.version = std::string{version()},
          .processors = format_processors(allowed_processors()),
          .threads = options.threads,
          .progress = runs_inline ? "inline" : "passive",
          .memory = options.memory};
}

}  // namespace mapwire::tools
