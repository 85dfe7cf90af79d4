// The arithmetic of credits (docs/profiles.md): a sender may have as many messages under way as its
// peer has posted receives. Both sides count from the start of the connection and never reset.
//
// Threads: guarded by the context's lock.
#pragma once

#include <cstdint>

namespace mapwire::detail {

// What the peer lets us send.
class SendCredits {
 public:
  // `peer_receive_entries`: the most receives the peer can have posted at once.
  explicit SendCredits(std::uint32_t peer_receive_entries)
      : peer_receive_entries_{peer_receive_entries} {}

  bool available() const { return used_ != granted_; }
  // Some receives that were granted may have no memory that is pinned.
  bool late() const { return late_; }
  // One message left that consumes a receive. Precondition: available().
  void use() { ++used_; }
  // The peer says how many receives it has posted in all, modulo 2^32, and whether some of them
  // that it has not consumed are late. News may overtake each other, so an older count has no
  // effect. False: no honest peer can have posted so many.
  bool grant(std::uint32_t posted_low, bool late);
  // The same from what is in the credit word: a CountWord of either kind of credits, or no news.
  bool grant_word(std::uint64_t word);

 private:
  std::uint32_t peer_receive_entries_;
  std::uint64_t used_ = 0;
  std::uint64_t granted_ = 0;
  bool late_ = false;
};

// What we let the peer send.
class ReceiveCredits {
 public:
  explicit ReceiveCredits(std::uint32_t receive_entries) : batch_{receive_entries / 4} {}

  void on_posted() { ++posted_; }
  // The same for a receive without memory that is pinned.
  void on_posted_late() { late_until_ = ++posted_; }
  void on_consumed() { ++consumed_; }
  // All receives posted so far: what is told to the peer.
  std::uint64_t posted() const { return posted_; }
  // Whether a late one is not consumed: is told with the count.
  bool late() const { return consumed_ < late_until_; }
  // posted() was put into a message or an update.
  void on_advertised() { advertised_ = posted_; }
  // Whether the peer needs an update of its own: it may be out of credits by what it knows, or a
  // quarter of the queue waits to be told.
  bool update_due() const {
    const std::uint64_t untold = posted_ - advertised_;
    return untold != 0 && (untold >= batch_ || advertised_ == consumed_);
  }

 private:
  std::uint64_t batch_;
  std::uint64_t posted_ = 0;
  std::uint64_t consumed_ = 0;
  std::uint64_t advertised_ = 0;
  std::uint64_t late_until_ = 0;  // no receive after so many was late
};

}  // namespace mapwire::detail
