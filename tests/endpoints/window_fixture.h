// A process that exports memory and one that imports it; here both in this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

#include "mapwire/endpoints/context.h"
#include "mapwire/endpoints/window.h"
#include "mapwire/endpoints/window_memory.h"
#include "mapwire/runtime/clock.h"
#include "tests/endpoints/pair.h"
#include "tests/endpoints/pinned_pair.h"
#include "tests/endpoints/two_hosts.h"
#include "tests/tlb/pages.h"

namespace mapwire::testing {

inline constexpr std::uint64_t kSoonNs = 300'000'000;

// A column of the tests: the NIC of both sides, and whether importers may map the memory. They do
// if the wire is shm.
struct WindowColumn {
  NicChoice nic = NicChoice::kSoft;
  bool mappable = false;
  bool leased = false;  // the exporter's NIC pins, as a device does
};
inline constexpr WindowColumn kSoftWindow{};
inline constexpr WindowColumn kMappableWindow{.mappable = true};
inline constexpr WindowColumn kLeasedWindow{.leased = true};
inline constexpr WindowColumn kVerbsWindow{.nic = NicChoice::kVerbs};

// Memory to export.
class ExportedPages {
 public:
  ExportedPages(std::size_t count, bool mappable) {
    if (mappable) mappable_ = value_of(WindowMemory::create(count * tlb::kPageBytes));
    if (!mappable) pages_.emplace(count);
  }
  std::span<std::byte> memory() const { return pages_ ? pages_->memory() : mappable_->memory(); }
  std::span<std::byte> page(std::size_t index) const {
    return memory().subspan(index * tlb::kPageBytes, tlb::kPageBytes);
  }
  // What can be exported once at a time is exported as any memory is when it is exported already.
  std::expected<Export, Error> export_by(Context& exporter, std::string_view name,
                                         const ExportOptions& options) const {
    if (mappable_) {
      auto exported = exporter.export_buffer(name, *mappable_, options);
      if (exported) return exported;
    }
    return exporter.export_buffer(name, memory(), options);
  }

 private:
  std::optional<Pages> pages_;
  std::optional<WindowMemory> mappable_;
};

class WindowFixture : public ::testing::TestWithParam<WindowColumn> {
 protected:
  // A page is a lease.
  static constexpr std::size_t kLeasedBudget = std::size_t{1} << 20;

  void SetUp() override {
    if (GetParam().leased && !make_pinning_soft_nic()) GTEST_SKIP() << "no pins of the kernel's";
  }
  Context make_exporter() const {
    if (GetParam().leased && make_pinning_soft_nic()) return pinning_context(kLeasedBudget, {});
    return value_of(Context::create({.nic = GetParam().nic, .address = host_ + ":0"}));
  }
  Export export_all(std::string_view name = "all", const ExportOptions& options = {}) {
    return value_of(memory_.export_by(exporter_, name, options));
  }
  std::string address(std::string_view name) const {
    return host_ + ":" + std::to_string(listener_.port()) + "/" + std::string{name};
  }
  std::expected<Window, Error> import_window(std::string_view name,
                                             const ImportOptions& options = {}) {
    return importer_.import_buffer(address(name), options);
  }
  // How an import ends. A machine that is too slow for one attempt in the time is given more.
  Code import_ends(std::string_view name, const std::string& token = {}) {
    Code code = Code::kConnectTimeout;
    for (std::uint64_t timeout_ns = kSoonNs;
         code == Code::kConnectTimeout && timeout_ns < kPatienceNs; timeout_ns *= 4) {
      const auto window = import_window(name, {.token = token, .timeout_ns = timeout_ns});
      code = window ? Code::kOk : window.error().code;
    }
    return code;
  }
  void expect_done(const Window& window, std::uint64_t cookie, Code status = Code::kOk) {
    const Completion done = next_completion(importer_);
    EXPECT_EQ(done.endpoint, window.id());
    EXPECT_EQ(done.cookie, cookie);
    EXPECT_EQ(done.status, status) << name(done.status);
  }
  // The exporter enters an importer when its own side of the set-up is done.
  void await_imports(const Export& exported, std::size_t count) {
    const std::uint64_t until_ns = now_ns() + kPatienceNs;
    while (exported.imports() != count && now_ns() < until_ns) std::this_thread::yield();
    ASSERT_EQ(exported.imports(), count);
  }
  void await_death(const Window& window) {
    const std::uint64_t until_ns = now_ns() + kPatienceNs;
    while (!window.error() && now_ns() < until_ns) importer_.poll({});
    ASSERT_TRUE(window.error());
  }

  const std::string host_ =
      GetParam().nic == NicChoice::kVerbs ? device_address().value_or("") : "127.0.0.1";
  const ExportedPages memory_{16, GetParam().mappable};
  Context exporter_ = make_exporter();
  Context importer_ = value_of(Context::create({.nic = GetParam().nic, .address = host_ + ":0"}));
  Listener listener_ = value_of(exporter_.listen({.address = host_ + ":0"}));
};

// The names of its columns.
inline std::string column_name(const ::testing::TestParamInfo<WindowColumn>& column) {
  if (column.param.nic == NicChoice::kVerbs) return "verbs_rxe";
  if (column.param.leased) return "leased";
  return column.param.mappable ? "soft_mappable" : "soft";
}
inline std::ostream& operator<<(std::ostream& out, const WindowColumn& column) {
  return out << column_name({column, 0});
}

}  // namespace mapwire::testing
