// A whiteboard that two processes share: what one writes appears on the other's by itself.
//
//   whiteboard 7001 127.0.0.1:7002     # in one shell
//   whiteboard 7002 127.0.0.1:7001     # in another
//
// Each line "COLUMN ROW TEXT" of the standard input writes on the board, which is printed whenever
// it has changed. The input's end ends the program.
//
// The board has two layers, one for each writer. Mine is bound to the other's copy of it (automatic
// update, docs/windows.md): drawing is a plain store, after which nothing of mapwire is called.
#include <sys/mman.h>
#include <sys/poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <expected>
#include <iostream>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "mapwire/endpoints/binding.h"
#include "mapwire/endpoints/context.h"

namespace {

constexpr std::size_t kColumns = 64;
constexpr std::size_t kRows = 16;
constexpr std::uint64_t kPatienceNs = 60'000'000'000;  // for the other to be started
constexpr int kLookMs = 50;

template <class T>
T value_of(std::expected<T, mapwire::Error> result) {
  if (!result) throw std::runtime_error{result.error().message};
  return std::move(*result);
}

// One writer's marks, on a page of its own; 0: none there.
class Layer {
 public:
  Layer() {
    if (page_ == MAP_FAILED) throw std::runtime_error{"no memory for a page"};
  }
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  ~Layer() { munmap(page_, kBytes); }

  // Not plain chars: the other's marks come while we look.
  std::atomic_ref<char> mark(std::size_t column, std::size_t row) const {
    return std::atomic_ref{static_cast<char*>(page_)[row * kColumns + column]};
  }
  std::span<std::byte> memory() const { return {static_cast<std::byte*>(page_), kBytes}; }

 private:
  static constexpr std::size_t kBytes = 4096;
  static_assert(kColumns * kRows <= kBytes);

  void* page_ = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
};

std::string picture(const Layer& mine, const Layer& theirs) {
  std::string text;
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t column = 0; column < kColumns; ++column) {
      const char own = mine.mark(column, row);
      const char other = theirs.mark(column, row);
      text += own != 0 ? own : other != 0 ? other : '.';
    }
    text += '\n';
  }
  return text;
}

// Prints the board if it is not what was shown last.
void show(const Layer& mine, const Layer& theirs, std::string& shown) {
  std::string now = picture(mine, theirs);
  if (now == shown) return;
  std::puts(now.c_str());
  std::fflush(stdout);
  shown = std::move(now);
}

void draw(const Layer& layer, const std::string& line) {
  std::istringstream words{line};
  std::size_t column = 0;
  std::size_t row = 0;
  std::string text;
  if (!(words >> column >> row >> text) || row >= kRows || column >= kColumns ||
      text.size() > kColumns - column) {
    std::fprintf(stderr, "whiteboard: '%s': give COLUMN ROW TEXT within %zu by %zu\n", line.c_str(),
                 kColumns, kRows);
    return;
  }
  for (const char letter : text) layer.mark(column++, row) = letter;
}

// False: the input has ended.
bool read_lines(const Layer& layer) {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (poll(&input, 1, kLookMs) != 1) return true;
  do {
    std::string line;
    if (!std::getline(std::cin, line)) return false;
    draw(layer, line);
  } while (std::cin.rdbuf()->in_avail() > 0);
  return true;
}

// What was drawn last is at the other when this returns.
void flush(mapwire::Context& context, mapwire::Binding& binding) {
  mapwire::Completion done{.status = binding.flush(0)};
  if (done.status == mapwire::Code::kOk) {
    while (context.wait({&done, 1}, UINT64_MAX) == 0) {
    }
  }
  if (done.status != mapwire::Code::kOk) {
    const auto why = binding.error();
    throw std::runtime_error{why ? why->message : std::string{name(done.status)}};
  }
}

void run(std::span<char*> arguments) {
  if (arguments.size() != 2) {
    throw std::runtime_error{"usage: whiteboard PORT HOST:PORT (of the other)"};
  }
  const Layer mine;
  const Layer theirs;
  auto context = value_of(mapwire::Context::create());
  const auto listener =
      value_of(context.listen({.address = std::string{"0.0.0.0:"} + arguments[0]}));
  const auto exported = value_of(context.export_buffer("board", theirs.memory()));
  auto window = value_of(
      context.import_buffer(std::string{arguments[1]} + "/board", {.timeout_ns = kPatienceNs}));
  auto binding = value_of(context.bind(mine.memory(), std::move(window)));
  std::string shown;
  while (read_lines(mine)) {
    const auto why = binding.error();  // before the look: what came before it is shown
    show(mine, theirs, shown);
    if (why) throw std::runtime_error{why->message};
  }
  show(mine, theirs, shown);  // what came meanwhile, and the last lines
  flush(context, binding);
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);  // so that in_avail() knows of further lines
  try {
    run(std::span{argv, static_cast<std::size_t>(argc)}.subspan(1));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "whiteboard: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
