// A doubly linked list of queue pair slots, threaded through an array: a slot joins and leaves in
// constant time and nothing is allocated after construction.
#pragma once

#include <cstdint>
#include <vector>

namespace mapwire::nic_fw {

class SlotList {
 public:
  explicit SlotList(std::uint32_t slots) : links_(slots + 1), end_{slots} {
    links_[end_] = {.next = end_, .previous = end_, .member = true};
  }

  bool empty() const { return links_[end_].next == end_; }
  bool contains(std::uint32_t slot) const { return links_[slot].member; }
  // Precondition: not empty.
  std::uint32_t front() const { return links_[end_].next; }

  // No effect on a member.
  void push_back(std::uint32_t slot) {
    if (contains(slot)) return;
    const std::uint32_t last = links_[end_].previous;
    links_[slot] = {.next = end_, .previous = last, .member = true};
    links_[last].next = slot;
    links_[end_].previous = slot;
  }
  // No effect on a slot that is no member.
  void remove(std::uint32_t slot) {
    if (!contains(slot)) return;
    Link& link = links_[slot];
    links_[link.previous].next = link.next;
    links_[link.next].previous = link.previous;
    link.member = false;
  }

 private:
  struct Link {
    std::uint32_t next = 0;
    std::uint32_t previous = 0;
    bool member = false;
  };
  std::vector<Link> links_;  // the last one is head and tail
  std::uint32_t end_;
};

}  // namespace mapwire::nic_fw
