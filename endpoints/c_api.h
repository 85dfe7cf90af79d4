// mapwire for C, and for languages that can call C. Each function is one of context.h, listener.h,
// endpoint.h or memory.h, whose texts hold here too: this header says what is different. Options
// come from the environment (docs/options.md).
//
// Threads: any, unless MAPWIRE_THREADS says `single`. Ownership: an object lives until the function
// that is named for it takes it back; a context after all that was made of it. Null is allowed
// where it is said.
#pragma once

// NOLINTBEGIN: C has no other headers, no other declarations and no other names.
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mapwire_context mapwire_context;
typedef struct mapwire_listener mapwire_listener;
typedef struct mapwire_endpoint mapwire_endpoint;
typedef struct mapwire_region mapwire_region;

// Why a call failed. `code` is what `mapwire explain` explains; 0 is success. `message` is one
// sentence with object, cause and next step, ended by a zero byte and cut if it is longer.
typedef struct mapwire_error {
  int32_t code;
  int32_t os_errno;  // 0 unless the operating system refused something
  char message[1016];
} mapwire_error;

enum {
  MAPWIRE_SEND,
  MAPWIRE_RECEIVE,
  MAPWIRE_WRITE,
  MAPWIRE_READ,
  MAPWIRE_COMPARE_SWAP,
  MAPWIRE_FETCH_ADD,
  MAPWIRE_RECEIVE_WRITE,
};

typedef struct mapwire_completion {
  uint64_t cookie;    // of the post
  uint64_t endpoint;  // mapwire_endpoint_id() of where it was posted
  uint64_t bytes;     // moved; 0 unless status is 0
  int32_t status;     // 0, or a code
  uint8_t operation;  // MAPWIRE_SEND ...
  uint8_t has_immediate;
  uint8_t reserved[2];
  uint32_t immediate;
  uint32_t reserved2;
} mapwire_completion;

// Memory of a peer, as its owner described it.
typedef struct mapwire_remote {
  uint64_t address;
  uint64_t bytes;
  uint32_t rkey;
  uint32_t reserved;
} mapwire_remote;

enum { MAPWIRE_REMOTE_READ = 1, MAPWIRE_REMOTE_WRITE = 2, MAPWIRE_REMOTE_ATOMIC = 4 };

// Those that make something return null if they fail, with the reason in `error` unless that is
// null.
mapwire_context* mapwire_context_create(mapwire_error* error);
void mapwire_context_destroy(mapwire_context* context);  // null: nothing

// `address` as ListenOptions::address; null: of all interfaces, port 18515.
mapwire_listener* mapwire_listen(mapwire_context* context, const char* address,
                                 mapwire_error* error);
uint16_t mapwire_listener_port(const mapwire_listener* listener);
void mapwire_listener_close(mapwire_listener* listener);  // null: nothing
mapwire_endpoint* mapwire_accept(mapwire_listener* listener, uint64_t timeout_ns,
                                 mapwire_error* error);
// `timeout_ns` 0: what MAPWIRE_CONNECT_TIMEOUT says.
mapwire_endpoint* mapwire_connect(mapwire_context* context, const char* address,
                                  uint64_t timeout_ns, mapwire_error* error);
uint64_t mapwire_endpoint_id(const mapwire_endpoint* endpoint);
void mapwire_endpoint_close(mapwire_endpoint* endpoint);  // null: nothing

// `rights` is a sum of MAPWIRE_REMOTE_READ and the like; another one is refused.
mapwire_region* mapwire_register(mapwire_context* context, void* memory, size_t bytes, int rights,
                                 mapwire_error* error);
mapwire_remote mapwire_region_remote(const mapwire_region* region);
void mapwire_deregister(mapwire_region* region);  // null: nothing

// Posts return 0, or the code of why nothing was posted. The memory is any of the process.
int mapwire_post_send(mapwire_endpoint* endpoint, const void* message, size_t bytes,
                      uint64_t cookie);
int mapwire_post_receive(mapwire_endpoint* endpoint, void* buffer, size_t bytes, uint64_t cookie);
int mapwire_post_write(mapwire_endpoint* endpoint, const void* source, size_t bytes,
                       mapwire_remote target, uint64_t cookie);
int mapwire_post_read(mapwire_endpoint* endpoint, void* target, size_t bytes, mapwire_remote source,
                      uint64_t cookie);

// Up to `count` completions into `completions`; return their number.
size_t mapwire_poll(mapwire_context* context, mapwire_completion* completions, size_t count);
size_t mapwire_wait(mapwire_context* context, mapwire_completion* completions, size_t count,
                    uint64_t timeout_ns);
int mapwire_event_fd(const mapwire_context* context);
int mapwire_arm(mapwire_context* context);  // 0: poll first

// The stable name of a code, such as "would_block"; "unknown" if there is no such code.
const char* mapwire_code_name(int code);

#ifdef __cplusplus
}
#endif
// NOLINTEND
