#include "mapwire/endpoints/error_category.h"

#include <string>
#include <system_error>

#include "mapwire/runtime/error.h"

namespace mapwire {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "mapwire"; }
  std::string message(int value) const override {
    return std::string{code_entry(static_cast<Code>(value)).meaning};
  }
  std::error_condition default_error_condition(int value) const noexcept override {
    const Code code = static_cast<Code>(value);
    if (code == Code::kFlushed) return std::errc::operation_canceled;
    if (code == Code::kTimeout) return std::errc::timed_out;
    return {value, *this};
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const Category kCategory;
  return kCategory;
}

std::error_code make_error_code(Code code) noexcept {
  return {static_cast<int>(code), error_category()};
}

}  // namespace mapwire
