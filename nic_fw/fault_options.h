// How often a fault wire harms packets, and the text form of it.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "mapwire/runtime/error.h"

namespace mapwire::nic_fw {

// Probabilities per sent packet, 0..1, drawn independently of each other.
struct FaultOptions {
  double loss = 0;       // the packet vanishes
  double duplicate = 0;  // it goes out twice
  double reorder = 0;    // it goes out behind some that were sent after it
  double flip = 0;       // exactly one of its bits is inverted
  std::uint64_t seed = 0;
};

// Parses "loss=0.01,duplicate=0.01,reorder=0.01,flip=0.001,seed=7": keys in any order, each at most
// once, blanks around an item ignored; a key that is missing is 0. The empty text is no fault at
// all. Errors: kBadOption (unknown key, key given twice, no number, out of range).
std::expected<FaultOptions, Error> parse_fault_options(std::string_view text);

}  // namespace mapwire::nic_fw
