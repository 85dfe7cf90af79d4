// The environment: any list of lines, one of them a variable of ours with any value.
#include <string>
#include <vector>

#include "mapwire/runtime/options.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mapwire;
  fuzz::Input input{data, size};
  const auto table = option_table();
  const std::string& variable = table[input.take<std::uint8_t>() % table.size()].variable;
  std::vector<std::string> environment;
  std::string_view text = input.text();
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    environment.push_back(variable + "=" + std::string{line});
    environment.emplace_back(line);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  const auto options = Options::parse(environment);
  if (!options) {
    fuzz::require(options.error().code == Code::kBadOption, "the code is bad_option");
    fuzz::require(options.error().message.starts_with("MAPWIRE_"), "the variable is named");
  }
  for (const std::string& warning : unknown_option_warnings(environment)) {
    fuzz::require(warning.starts_with("MAPWIRE_"), "the variable is named");
  }
  return 0;
}
