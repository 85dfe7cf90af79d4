// Automatic update between two processes: one stores and flushes, the other looks whether all of it
// is there and nothing else. MAPWIRE_TEST_UPDATE_MS says for how long.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "mapwire/endpoints/binding.h"
#include "tests/endpoints/peer_process.h"
#include "tests/endpoints/stored_round.h"
#include "tests/endpoints/window_fixture.h"
#include "tests/environment.h"

namespace mapwire {
namespace {

using testing::kPatienceNs;
using testing::next_completion;
using testing::PeerProcess;
using testing::StoredRound;
using testing::value_of;

class BindingPeerTest : public testing::WindowFixture {
 protected:
  static constexpr std::size_t kPages = std::size_t{16} << 8;  // 16 MiB

  testing::ExportedPages pages_{kPages, GetParam().mappable};
  const Export exported_ = value_of(pages_.export_by(exporter_, "pages", {}));
  std::vector<std::byte> reference_ = std::vector<std::byte>(kPages * tlb::kPageBytes);
};

TEST_P(BindingPeerTest, after_each_flush_the_other_process_has_what_was_stored) {
  const PeerProcess storer{GetParam().nic == NicChoice::kVerbs ? "verbs_storer" : "storer",
                           host_ + ":" + std::to_string(listener_.port())};
  Endpoint endpoint = value_of(listener_.accept(kPatienceNs));
  const std::uint64_t end_ns =
      now_ns() + testing::number_from("MAPWIRE_TEST_UPDATE_MS", 500) * 1'000'000;
  std::uint64_t rounds = 0;
  std::uint64_t stored_bytes = 0;
  StoredRound round;
  while (rounds < 2 || now_ns() < end_ns) {
    const auto told = std::as_writable_bytes(std::span{&round, 1});
    ASSERT_EQ(endpoint.post_receive(told, 1), Code::kOk);
    const std::array go{std::byte{1}};
    Code sent = Code::kWouldBlock;  // until the other process can take it
    while ((sent = endpoint.post_send(go, 2)) == Code::kWouldBlock) exporter_.poll({});
    ASSERT_EQ(sent, Code::kOk);
    ASSERT_EQ(next_completion(exporter_).status, Code::kOk);
    ASSERT_EQ(next_completion(exporter_).status, Code::kOk);
    stored_bytes += make_stores(round, reference_);
    ++rounds;
    ASSERT_TRUE(std::ranges::equal(reference_, pages_.memory()))
        << "round " << rounds << ", seed " << round.seed;
  }
  const double ratio = static_cast<double>(round.payload_bytes) / static_cast<double>(stored_bytes);
  EXPECT_LE(ratio, 1.1);
  RecordProperty("rounds", static_cast<int>(rounds));
  RecordProperty("payload_ratio", std::to_string(ratio));
}

INSTANTIATE_TEST_SUITE_P(nics, BindingPeerTest,
                         ::testing::Values(testing::kSoftWindow, testing::kMappableWindow,
                                           testing::kLeasedWindow, testing::kVerbsWindow),
                         testing::column_name);

}  // namespace
}  // namespace mapwire
