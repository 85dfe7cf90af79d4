// The header of a management datagram (IBTA 1.4, section 13.4.3), as the communication manager uses
// it. A MAD is the payload of a UD SEND_ONLY between the general service queue pairs of two ports.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mapwire/proto/endian.h"

namespace mapwire::proto {

inline constexpr std::size_t kMadBytes = 256;  // IBTA 13.4.2: no other length exists
inline constexpr std::uint32_t kGsiQpn = 1;    // IBTA 3.5.10: the general service interface
inline constexpr std::uint32_t kGsiQkey = 0x8001'0000;  // IBTA 10.2.5: its well-known Q_Key

inline constexpr std::uint8_t kMadBaseVersion = 1;
inline constexpr std::uint8_t kMadClassCm = 7;  // IBTA 16.7.1: communication management
inline constexpr std::uint8_t kMadCmVersion = 2;
inline constexpr std::uint8_t kMadMethodSend = 3;  // the only method of that class

struct MadHeaderWire {
  std::uint8_t base_version = 0;
  std::uint8_t management_class = 0;
  std::uint8_t class_version = 0;
  std::uint8_t method = 0;
  be16 status;
  be16 class_specific;
  be64 transaction_id;
  be16 attribute_id;
  be16 reserved;
  be32 attribute_modifier;
};
static_assert(WireStruct<MadHeaderWire> && sizeof(MadHeaderWire) == 24);
static_assert(offsetof(MadHeaderWire, transaction_id) == 8);
static_assert(offsetof(MadHeaderWire, attribute_id) == 16);

inline constexpr std::size_t kMadDataBytes = kMadBytes - sizeof(MadHeaderWire);  // 232

}  // namespace mapwire::proto
