// A tripwire and where it hangs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string_view>

#include "mapwire/endpoints/detail/data_path.h"
#include "mapwire/endpoints/tripwire.h"
#include "mapwire/runtime/error.h"
#include "mapwire/runtime/trip_table.h"

namespace mapwire {

// Threads: public functions take the context's lock; those marked (locked) want it held.
class Tripwire::Impl {
 public:
  // The wires of one export or window, which tell `path`.
  static std::shared_ptr<TripTable> make_table(detail::DataPath& path);
  // The bytes of a buffer of `buffer_bytes` that a wire is to be on. Errors: kInvalidArgument
  // (none, or not all of the buffer; no kind of access).
  static std::expected<void, Error> check(std::uint64_t offset, std::uint64_t bytes,
                                          std::uint64_t buffer_bytes,
                                          const TripwireOptions& options);
  // (locked) Errors: kLimitReached.
  static std::expected<std::unique_ptr<Impl>, Error> hang(std::shared_ptr<detail::DataPath> path,
                                                          std::shared_ptr<TripTable> table,
                                                          std::uint64_t address,
                                                          std::uint64_t bytes,
                                                          const TripwireOptions& options);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  // Tripwire's; nothing disarms.
  bool arm(std::optional<std::uint64_t> cookie);

 private:
  Impl(std::shared_ptr<detail::DataPath> path, std::shared_ptr<TripTable> table)
      : path_{std::move(path)}, table_{std::move(table)} {}

  const std::shared_ptr<detail::DataPath> path_;
  const std::shared_ptr<TripTable> table_;
  TripWire wire_;
};

}  // namespace mapwire
