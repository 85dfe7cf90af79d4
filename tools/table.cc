#include "tools/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace mapwire::tools {
namespace {

constexpr std::size_t kWidthMin = 9;

std::size_t width(const Column& column) { return std::max(column.title.size() + 1, kWidthMin); }

}  // namespace

std::string table_header(std::span<const Column> columns) {
  std::string line;
  for (const Column& column : columns) {
    line += fmt::format(" {:>{}}", column.title, width(column) - 1);
  }
  return line;
}

std::string table_row(std::span<const Column> columns, std::span<const double> values) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    line += fmt::format(" {:>{}.{}f}", values[i], width(columns[i]) - 1, columns[i].decimals);
  }
  return line;
}

}  // namespace mapwire::tools
