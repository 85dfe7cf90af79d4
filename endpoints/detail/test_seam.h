// What the project's own tests change in a context. No user's program reaches it.
#pragma once

#include <functional>
#include <memory>

#include "mapwire/runtime/nic.h"

namespace mapwire::detail {

struct TestSeam {
  // Every NIC chosen goes through it, if set.
  std::function<std::unique_ptr<Nic>(std::unique_ptr<Nic>)> wrap_nic;
  // False: translations are used without a look at whether they hold.
  bool verify_translations = true;
};

// Of the process. Set before the first context is made; contexts read it when they are.
inline TestSeam& test_seam() {
  static TestSeam seam;
  return seam;
}

}  // namespace mapwire::detail
