// The stable result codes of mapwire. They cross process boundaries (completion rings, set-up
// replies, JSON), so a number once given is never reused. Their texts are in
// runtime/error_table.cc.
#pragma once

#include <cstdint>

namespace mapwire {

enum class Code : std::uint16_t {
  kOk = 0,

  // Outcomes of a post. Nothing was posted.
  kWouldBlock = 1,
  kInvalidArgument = 2,
  kMessageTooLong = 3,
  kEndpointClosed = 4,

  // Statuses of a completion.
  kFlushed = 20,               // an earlier request failed or the endpoint was closed
  kReceiveTooSmall = 21,       // the message is longer than the receive buffer
  kLocalProtection = 22,       // a local buffer lies outside its memory region
  kRemoteInvalidRequest = 23,  // NAK: the peer could not accept the request
  kRemoteAccess = 24,          // NAK: key, range or right refused at the target
  kRemoteOperational = 25,     // NAK: the peer failed while it served the request
  kRetryExceeded = 26,         // no acknowledgement within the deadline
  kRnrRetryExceeded = 27,      // the peer posted no receive in time
  kPeerDead = 28,              // the peer's process ended
  kInvalidDescriptor = 29,     // a ring held a descriptor the NIC refuses
  kRingCorrupt = 30,           // a ring index is outside what the ring can hold
  kBadResponse = 31,           // the peer answered with something that is no answer
  kPeerClosed = 32,            // the peer closed its endpoint
  kDeviceFailed = 33,          // an RDMA device, or what all its queue pairs share

  // Control path.
  kUnknownHost = 50,
  kAddressInUse = 51,
  kPermission = 52,
  kConnectTimeout = 53,
  kConnectionRefused = 54,
  kVersionMismatch = 55,
  kProtocolError = 56,      // a peer or stranger sent what is no set-up message
  kAddressTranslated = 57,  // a NAT stands between the peers
  kPathBlocked = 58,        // UDP does not get through
  kMtuBlackHole = 59,       // small packets get through, full ones do not
  kPeerRefused = 60,
  kLimitReached = 61,
  kOutOfMemory = 62,
  kSystemCall = 63,   // any other failure of the operating system
  kTimeout = 64,      // a wait reached its deadline
  kWrongThread = 65,  // single-thread mode, called from another thread
  kBadOption = 66,
  kBadFile = 67,
  kPayloadMismatch = 68,  // verification found other bytes than were sent
  kInterrupted = 69,
  kNoUsableNic = 70,
  kMtuMismatch = 71,
  kRocePortInUse = 72,  // somebody else serves RoCE at this address
  kNotExported = 73,    // the peer exports no buffer of this name
  kNotSupported = 74,   // the NIC can not do it
};

}  // namespace mapwire
