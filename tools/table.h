// Tables of numbers with right-aligned columns, as perftest prints them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mapwire::tools {

struct Column {
  std::string_view title;
  int decimals = 2;
};

// The titles, each column as wide as its title but at least wide enough for 8 digits.
std::string table_header(std::span<const Column> columns);

// One row under that header. Precondition: as many values as columns. A number too wide for its
// column widens the row; it is never cut and never runs into its neighbour.
std::string table_row(std::span<const Column> columns, std::span<const double> values);

}  // namespace mapwire::tools
