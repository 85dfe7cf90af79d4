// What hostile_peer can do. Each deed lasts some tens of milliseconds; who is killed meanwhile has
// died in the middle of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <random>
#include <string>

#include "mapwire/runtime/clock.h"

namespace mapwire::hostile {

struct Attack {
  std::string address;  // "127.0.0.1:PORT" of the victim's listener
  std::uint16_t port = 0;
  std::mt19937_64 random;
};

using Deed = void (*)(Attack&);
// By name. Those of a peer that was let in by honest set-up, and of one that speaks the wire
// itself.
std::map<std::string, Deed> insider_deeds();
std::map<std::string, Deed> garbage_deeds();
std::map<std::string, Deed> impostor_deeds();

// Tells the script that the deed itself begins.
inline void begin() { std::fputs("at it\n", stderr); }

// Calls step() for a while.
template <class Step>
void for_a_while(Attack& attack, Step step) {
  const std::uint64_t end_ns = now_ns() + (10 + attack.random() % 30) * 1'000'000;
  while (now_ns() < end_ns) step();
}

}  // namespace mapwire::hostile
