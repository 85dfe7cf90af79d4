// usage: stale malloc|calls CHANGES SEED [unverified]
// A C program that changes memory between one message and the next, in two threads, by what its
// malloc does with it or by system calls of its own that no library sees. Every message carries a
// number, on every page, which the receiver checks. Prints how many came with another one: status 0
// if none did, 1 otherwise, 2 if something else failed.
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "mapwire/endpoints/c_api.h"
#include "tests/callers/seam.h"

enum { kPage = 4096, kPagesMax = 128, kBlocks = 6 };

struct block {
  unsigned char* begin;
  size_t pages;
};

struct pair {
  mapwire_context* context;
  mapwire_endpoint* sender;
  mapwire_endpoint* receiver;
};

static bool by_malloc;
static atomic_bool ended;

static void fail(const char* what, const char* why) {
  fprintf(stderr, "stale: %s: %s\n", what, why);
  exit(2);
}

static uint64_t next(uint64_t* random) {
  *random ^= *random << 13;
  *random ^= *random >> 7;
  return *random ^= *random << 17;
}

// The instruction itself: what hooks calls of libc does not see these.
static long system_call(long number, long a, long b, long c, long d) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = -1;
  register long r9 __asm__("r9") = 0;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static struct block make(uint64_t* random) {
  struct block made = {NULL, 1 + next(random) % kPagesMax};
  if (by_malloc) {
    if (posix_memalign((void**)&made.begin, kPage, made.pages * kPage) != 0) {
      fail("posix_memalign", "no memory");
    }
    return made;
  }
  const long begin = system_call(SYS_mmap, 0, (long)(made.pages * kPage), PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS);
  if (begin < 0 && begin > -kPage) fail("mmap", strerror((int)-begin));
  made.begin = (unsigned char*)begin;
  return made;
}

static void unmake(struct block* block) {
  if (by_malloc) {
    free(block->begin);
  } else {
    system_call(SYS_munmap, (long)block->begin, (long)(block->pages * kPage), 0, 0);
  }
}

static void fill(struct block* block, uint64_t number) {
  for (size_t page = 0; page < block->pages; ++page) {
    memcpy(block->begin + page * kPage, &number, sizeof(number));
  }
}

static void change(struct block* block, uint64_t* random) {
  switch (next(random) % 4) {
    case 0:  // the same addresses, but other pages beneath, as malloc does by itself
      if (by_malloc) break;
      system_call(SYS_madvise, (long)block->begin, (long)(block->pages * kPage), MADV_DONTNEED, 0);
      break;
    case 1:  // two at once, so that the addresses change hands
    case 2: {
      struct block other = make(random);
      unmake(block);
      *block = make(random);
      unmake(&other);
      break;
    }
    default:
      unmake(block);
      if (by_malloc && next(random) % 4 == 0) malloc_trim(0);
      *block = make(random);
  }
}

// Takes what the other thread gives back, and writes into it.
static void* take_memory(void* seed) {
  uint64_t random = *(uint64_t*)seed;
  while (!ended) {
    struct block block = make(&random);
    fill(&block, UINT64_MAX);
    unmake(&block);
  }
  return NULL;
}

static void await(const struct pair* pair, size_t count) {
  mapwire_completion done[4];
  for (size_t came = 0; came < count;) {
    const size_t number = mapwire_wait(pair->context, done, 4, UINT64_C(60000000000));
    if (number == 0) fail("wait", "nothing for a minute");
    for (size_t i = 0; i < number; ++i) {
      if (done[i].status != 0) fail("completion", mapwire_code_name(done[i].status));
    }
    came += number;
  }
}

// Whether the number arrived on every page.
static bool exchange(const struct pair* pair, struct block* from, struct block* to,
                     uint64_t number) {
  const size_t pages = from->pages < to->pages ? from->pages : to->pages;
  fill(from, number);
  int code = mapwire_post_receive(pair->receiver, to->begin, pages * kPage, 1);
  if (code != 0) fail("receive", mapwire_code_name(code));
  while ((code = mapwire_post_send(pair->sender, from->begin, pages * kPage, 2)) != 0) {
    mapwire_completion none;
    if (strcmp(mapwire_code_name(code), "would_block") != 0) fail("send", mapwire_code_name(code));
    if (mapwire_poll(pair->context, &none, 1) != 0) fail("poll", "something before the send");
  }
  await(pair, 2);
  for (size_t page = 0; page < pages; ++page) {
    if (memcmp(to->begin + page * kPage, &number, sizeof(number)) != 0) return false;
  }
  return true;
}

static void* accept_one(void* listener) {
  mapwire_error error;
  mapwire_endpoint* const accepted = mapwire_accept(listener, UINT64_C(60000000000), &error);
  if (accepted == NULL) fail("accept", error.message);
  return accepted;
}

static struct pair connect_pair(void) {
  mapwire_error error;
  struct pair pair = {.context = mapwire_context_create(&error)};
  if (pair.context == NULL) fail("context", error.message);
  mapwire_listener* const listener = mapwire_listen(pair.context, "127.0.0.1:0", &error);
  if (listener == NULL) fail("listen", error.message);
  pthread_t acceptor;
  if (pthread_create(&acceptor, NULL, accept_one, listener) != 0) fail("thread", "none");
  char address[32];
  snprintf(address, sizeof(address), "127.0.0.1:%u", (unsigned)mapwire_listener_port(listener));
  pair.sender = mapwire_connect(pair.context, address, 0, &error);
  if (pair.sender == NULL) fail("connect", error.message);
  pthread_join(acceptor, (void**)&pair.receiver);
  mapwire_listener_close(listener);
  return pair;
}

int main(int argc, char** argv) {
  if (argc < 4) fail("usage", "stale malloc|calls CHANGES SEED [unverified]");
  by_malloc = strcmp(argv[1], "malloc") == 0;
  const uint64_t changes = strtoull(argv[2], NULL, 10);
  uint64_t random = strtoull(argv[3], NULL, 10) * 2 + 1;
  mapwire_test_pin(argc == 4);
  // glibc's gives and takes memory for half of the blocks then, and its heap shrinks at once.
  mallopt(M_MMAP_THRESHOLD, kPagesMax * kPage / 2);
  mallopt(M_TRIM_THRESHOLD, 0);
  struct pair pair = connect_pair();

  struct block blocks[kBlocks];
  for (size_t i = 0; i < kBlocks; ++i) blocks[i] = make(&random);
  pthread_t taker;
  uint64_t taker_seed = random + 1;
  if (pthread_create(&taker, NULL, take_memory, &taker_seed) != 0) fail("thread", "none");
  uint64_t messages = 0;
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < changes; ++i) {
    change(&blocks[next(&random) % kBlocks], &random);
    for (uint64_t uses = next(&random) % 5; uses > 0; --uses) {
      const size_t from = next(&random) % kBlocks;
      const size_t to = (from + 1 + next(&random) % (kBlocks - 1)) % kBlocks;
      if (!exchange(&pair, &blocks[from], &blocks[to], ++messages)) ++wrong;
    }
  }
  ended = true;
  pthread_join(taker, NULL);
  const uint64_t hits = mapwire_test_hits();
  mapwire_endpoint_close(pair.sender);
  mapwire_endpoint_close(pair.receiver);
  mapwire_context_destroy(pair.context);
  printf("%llu changes, %llu messages, %llu hits, %llu wrong\n", (unsigned long long)changes,
         (unsigned long long)messages, (unsigned long long)hits, (unsigned long long)wrong);
  if (hits < changes / 10) fail("hits", "too few to say anything");
  return wrong == 0 ? 0 : 1;
}
