// usage, in the guest: fresh_buffers bare|mapwire ADDRESS BYTES COUNT
//
// Messages from memory that is new each time: mapped, written, sent, unmapped. "bare" registers it
// for the one message and deregisters it, with the verbs alone; "mapwire" leaves that to its TLB.
// Both ends are in this process, and receive into registered memory. Prints the median in
// microseconds.
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>
#include <rdma/rdma_verbs.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <future>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mapwire/endpoints/context.h"
#include "mapwire/runtime/clock.h"
#include "tests/test_program.h"

namespace {

using namespace mapwire;

constexpr std::uint64_t kPatienceNs = 10'000'000'000;

std::span<std::byte> map(std::size_t bytes) {
  void* const mapped =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) fail("mmap");
  return {static_cast<std::byte*>(mapped), bytes};
}

class BarePair {
 public:
  BarePair(const std::string& address, std::size_t bytes)
      : target_{map(bytes)}, listener_{make_id(address, RAI_PASSIVE)} {
    if (::rdma_listen(listener_, 1) != 0) fail("rdma_listen");
    auto accepted = std::async(std::launch::async, [this] {
      rdma_cm_id* id = nullptr;
      if (::rdma_get_request(listener_, &id) != 0 || ::rdma_accept(id, nullptr) != 0) {
        fail("rdma_accept");
      }
      return id;
    });
    sender_ = make_id(address, 0);
    if (::rdma_connect(sender_, nullptr) != 0) fail("rdma_connect");
    receiver_ = accepted.get();
    target_region_ = ::rdma_reg_msgs(receiver_, target_.data(), target_.size());
    if (target_region_ == nullptr) fail("rdma_reg_msgs");
  }

  void send(std::span<std::byte> memory) {
    if (::rdma_post_recv(receiver_, nullptr, target_.data(), target_.size(), target_region_) != 0) {
      fail("rdma_post_recv");
    }
    ibv_mr* const region = ::ibv_reg_mr(sender_->pd, memory.data(), memory.size(), 0);
    if (region == nullptr) fail("ibv_reg_mr");
    if (::rdma_post_send(sender_, nullptr, memory.data(), memory.size(), region,
                         IBV_SEND_SIGNALED) != 0) {
      fail("rdma_post_send");
    }
    await(receiver_->recv_cq);
    await(sender_->send_cq);
    ::ibv_dereg_mr(region);
  }

 private:
  static rdma_cm_id* make_id(const std::string& address, int flags) {
    rdma_addrinfo hints{};
    hints.ai_flags = flags;
    hints.ai_port_space = RDMA_PS_TCP;
    rdma_addrinfo* found = nullptr;
    if (::rdma_getaddrinfo(address.c_str(), "18720", &hints, &found) != 0) fail("rdma_getaddrinfo");
    ibv_qp_init_attr attributes{};
    attributes.cap = {.max_send_wr = 4,
                      .max_recv_wr = 4,
                      .max_send_sge = 1,
                      .max_recv_sge = 1,
                      .max_inline_data = 0};
    attributes.qp_type = IBV_QPT_RC;
    rdma_cm_id* id = nullptr;
    if (::rdma_create_ep(&id, found, nullptr, &attributes) != 0) fail("rdma_create_ep");
    ::rdma_freeaddrinfo(found);
    return id;
  }
  static void await(ibv_cq* queue) {
    ibv_wc completion{};
    while (::ibv_poll_cq(queue, 1, &completion) == 0) {
    }
    if (completion.status != IBV_WC_SUCCESS) fail(::ibv_wc_status_str(completion.status));
  }

  std::span<std::byte> target_;
  rdma_cm_id* listener_ = nullptr;
  rdma_cm_id* sender_ = nullptr;
  rdma_cm_id* receiver_ = nullptr;
  ibv_mr* target_region_ = nullptr;
};

class MapwirePair {
 public:
  MapwirePair(const std::string& address, std::size_t bytes)
      : sending_{make_context(address)},
        receiving_{make_context(address)},
        target_{value_of(receiving_.allocate(bytes))},
        listener_{value_of(receiving_.listen({.address = address + ":0"}))} {
    auto accepted =
        std::async(std::launch::async, [this] { return value_of(listener_.accept(kPatienceNs)); });
    sender_.emplace(value_of(sending_.connect(address + ":" + std::to_string(listener_.port()),
                                              {.endpoint = {.profile = Profile::kPlain}})));
    receiver_.emplace(accepted.get());
  }

  void send(std::span<std::byte> memory) {
    expect_ok(receiver_->post_receive(target_.slice(0, memory.size()), 0));
    expect_ok(sender_->post_send(memory, 0));
    await(receiving_);
    await(sending_);
  }

 private:
  static Context make_context(const std::string& address) {
    return value_of(Context::create({.nic = NicChoice::kVerbs, .address = address + ":0"}));
  }
  static void expect_ok(Code code) {
    if (code != Code::kOk) fail(name(code));
  }
  static void await(Context& context) {
    std::array<Completion, 1> completion;
    while (context.poll(completion) == 0) {
    }
    expect_ok(completion[0].status);
  }

  Context sending_;
  Context receiving_;
  MemoryRegion target_;
  Listener listener_;
  std::optional<Endpoint> sender_;
  std::optional<Endpoint> receiver_;
};

template <class Pair>
double median_us(const std::string& address, std::size_t bytes, std::size_t count) {
  Pair pair{address, bytes};
  std::vector<std::uint64_t> times;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t start = now_ns();
    const auto memory = map(bytes);
    std::memset(memory.data(), 1, bytes);
    pair.send(memory);
    ::munmap(memory.data(), bytes);
    times.push_back(now_ns() - start);
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(count / 2);
  std::ranges::nth_element(times, middle);
  return static_cast<double>(*middle) / 1e3;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) fail("usage: fresh_buffers bare|mapwire ADDRESS BYTES COUNT");
  const std::string address = argv[2];
  const std::size_t bytes = std::stoul(argv[3]);
  const std::size_t count = std::stoul(argv[4]);
  const bool bare = std::string_view{argv[1]} == "bare";
  std::printf("%f\n", bare ? median_us<BarePair>(address, bytes, count)
                           : median_us<MapwirePair>(address, bytes, count));
}
