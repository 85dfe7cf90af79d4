// The first thing that went wrong in a run.
#pragma once

#include <string>
#include <utility>

namespace mapwire::nic_fw::sim {

class Verdict {
 public:
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }
  // Later failures follow from the first and are not kept.
  void fail(std::string failure) {
    if (!failed()) failure_ = std::move(failure);
  }

 private:
  std::string failure_;
};

}  // namespace mapwire::nic_fw::sim
