#include "tests/integration/hostile/own_wire.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/test_program.h"

namespace mapwire::hostile {
namespace {

constexpr std::string_view kName = "memfd:mapwire-shm";

std::vector<std::span<std::byte>> blocks(std::string_view rights) {
  std::ifstream maps{"/proc/self/maps"};
  std::vector<std::span<std::byte>> found;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words{line};
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string its_rights;
    words >> std::hex >> begin >> dash >> end >> its_rights;
    if (its_rights != rights || !line.contains(kName)) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the system tells addresses as text
    found.emplace_back(reinterpret_cast<std::byte*>(begin), end - begin);
  }
  return found;
}

template <class Predicate>
std::vector<int> descriptors(Predicate is_one) {
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    const int fd = std::stoi(entry.path().filename());
    std::error_code gone;  // the iterator's own
    if (is_one(fd, std::filesystem::read_symlink(entry.path(), gone).string())) found.push_back(fd);
  }
  return found;
}

bool is_connected(int fd) {
  int type = 0;
  socklen_t bytes = sizeof(type);
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) != 0 || type != SOCK_SEQPACKET) {
    return false;
  }
  sockaddr_storage peer{};
  bytes = sizeof(peer);
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &bytes) == 0;
}

}  // namespace

std::vector<std::span<std::byte>> own_blocks() {
  auto found = blocks("rw-s");
  for (auto& block : found) {
    void* again = ::mremap(block.data(), 0, block.size(), MREMAP_MAYMOVE);  // a second mapping
    if (again == MAP_FAILED) fail("can not map its block again");
    block = {static_cast<std::byte*>(again), block.size()};
  }
  return found;
}

std::vector<std::span<std::byte>> peer_blocks() { return blocks("r--s"); }

std::vector<int> block_descriptors() {
  return descriptors([](int, const std::string& target) { return target.contains(kName); });
}

std::vector<int> channel_sockets() {
  return descriptors([](int fd, const std::string&) { return is_connected(fd); });
}

}  // namespace mapwire::hostile
