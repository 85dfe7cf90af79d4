// A key-value store whose clients read and write the server's memory by themselves; the server does
// nothing for a request.
//
//   kv_store                               # the server, until Ctrl-C
//   kv_store 127.0.0.1 put colour blue     # any number of keys with their values
//   kv_store 127.0.0.1 get colour          # any number of keys
//
// A writer makes the version of a slot odd, writes the slot, and makes the version even again;
// these take effect in their order (docs/ordering.md, rules 2 and 3). A reader gets the slot whole,
// which may be a mixture of before and after (rules 6 and 8), and trusts it if its checksum fits.
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/window.h"

namespace {

constexpr std::size_t kSlots = 4096;
constexpr std::size_t kProbes = 16;  // slots in a row in which a key may be
constexpr std::chrono::seconds kPatience{2};

struct Slot {
  std::uint64_t version;  // odd: somebody writes; 0: empty. Changed by atomics alone
  std::uint64_t checksum;
  std::array<char, 48> key;
  std::array<char, 192> value;
};

std::uint64_t hash(std::string_view text, std::uint64_t state = 0xcbf29ce484222325) {
  for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3;  // FNV
  return state;
}

std::uint64_t checksum(const Slot& slot) {
  return hash({slot.value.data(), slot.value.size()},
              hash({slot.key.data(), slot.key.size()}, slot.version));
}

template <std::size_t kBytes>
void store(std::array<char, kBytes>& target, std::string_view text) {
  if (text.size() > kBytes) throw std::runtime_error{"too long: " + std::string{text}};
  target = {};
  std::ranges::copy(text, target.begin());
}

template <std::size_t kBytes>
std::string_view load(const std::array<char, kBytes>& source) {
  return {source.data(), strnlen(source.data(), kBytes)};
}

template <class T>
T value_of(std::expected<T, mapwire::Error> result) {
  if (!result) throw std::runtime_error{result.error().message};
  return std::move(*result);
}

class Client {
 public:
  explicit Client(const std::string& host)
      : window_{value_of(context_.import_buffer(host + "/kv"))} {
    if (window_.bytes() != kSlots * sizeof(Slot)) throw std::runtime_error{"no table of ours"};
  }

  std::string get(std::string_view key) {
    for (std::size_t i = 0; i < kProbes; ++i) {
      const Slot slot = read(place(key, i));
      if (slot.version == 0) break;
      if (load(slot.key) == key) return std::string{load(slot.value)};
    }
    throw std::runtime_error{"no such key: " + std::string{key}};
  }

  void put(std::string_view key, std::string_view value) {
    Slot wanted{};
    store(wanted.key, key);
    store(wanted.value, value);
    for (std::size_t i = 0; i < kProbes;) {
      const Slot slot = read(place(key, i));
      if (slot.version != 0 && load(slot.key) != key) {
        ++i;
      } else if (swap_version(place(key, i), slot.version, slot.version + 1)) {
        wanted.version = slot.version + 2;
        wanted.checksum = checksum(wanted);
        const auto body = std::as_bytes(std::span{&wanted, 1}).subspan(sizeof(wanted.version));
        wait_for(window_.put(place(key, i) + sizeof(wanted.version), body, 0));
        swap_version(place(key, i), slot.version + 1, wanted.version);
        return;
      }  // else another has been faster: look again
    }
    throw std::runtime_error{"no room for " + std::string{key}};
  }

 private:
  static std::uint64_t place(std::string_view key, std::size_t probe) {
    return (hash(key) + probe) % kSlots * sizeof(Slot);
  }

  Slot read(std::uint64_t place) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
      Slot slot{};
      wait_for(window_.get(place, std::as_writable_bytes(std::span{&slot, 1}), 0));
      if (slot.version == 0 || (slot.version % 2 == 0 && slot.checksum == checksum(slot))) {
        return slot;
      }
    }
    throw std::runtime_error{"a client died while it wrote there; start the server anew"};
  }

  bool swap_version(std::uint64_t place, std::uint64_t compare, std::uint64_t swap) {
    std::uint64_t original = 0;
    wait_for(window_.compare_swap(place, compare, swap, original, 0));
    return original == compare;
  }

  void wait_for(mapwire::Code posted) {
    mapwire::Completion done{.status = posted};
    if (posted == mapwire::Code::kOk) {
      while (context_.wait({&done, 1}, UINT64_MAX) == 0) {
      }
    }
    if (done.status != mapwire::Code::kOk) {
      const auto why = window_.error();
      throw std::runtime_error{why ? why->message : std::string{name(done.status)}};
    }
  }

  mapwire::Context context_ = value_of(mapwire::Context::create());
  mapwire::Window window_;
};

void serve() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);  // also in mapwire's helper thread
  std::vector<Slot> table(kSlots);
  auto context = value_of(mapwire::Context::create());
  const auto listener = value_of(context.listen());
  const auto exported = value_of(context.export_buffer(
      "kv", std::as_writable_bytes(std::span{table}), {.rights = {.atomics = true}}));
  std::printf("listening on %s\n", listener.addresses().front().c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&stop, &signal);  // the helper thread serves all clients
}

void run(std::span<char*> arguments) {
  if (arguments.empty()) return serve();
  const std::string_view verb = arguments.size() > 2 ? arguments[1] : "";
  const auto words = arguments.subspan(std::min<std::size_t>(2, arguments.size()));
  const bool puts = verb == "put" && words.size() % 2 == 0;
  if (!puts && verb != "get") {
    throw std::runtime_error{"usage: kv_store [HOST get KEY... | HOST put KEY VALUE ...]"};
  }
  Client client{arguments[0]};
  for (std::size_t i = 0; puts && i < words.size(); i += 2) client.put(words[i], words[i + 1]);
  for (std::size_t i = 0; !puts && i < words.size(); ++i) std::puts(client.get(words[i]).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(std::span{argv, static_cast<std::size_t>(argc)}.subspan(1));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kv_store: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
