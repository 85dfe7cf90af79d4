// usage: growth serve PORT
//        growth measure PORT ENDPOINTS...
//
// How cost grows with the endpoints between two processes, of which one is in use, and with the
// sends outstanding on one: the client prints it as JSON. The wire is that of MAPWIRE_WIRE.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/growth/client.h"
#include "tests/bench/growth/server.h"
#include "tests/test_program.h"

namespace mapwire::growth {
namespace {

void print_possessions(const char* name, const Possessions& has) {
  std::printf(R"("%s": {"resident_bytes": %zu, "descriptors": %zu}, )", name, has.resident_bytes,
              has.descriptors);
}

void print_pace(const char* name, const Pace& pace, const char* end) {
  std::printf(R"("%s": {"poll_ns": %.2f, "latency_ns": %.2f}%s)", name, pace.poll_ns,
              pace.latency_ns, end);
}

void print_step(Client& client, std::size_t endpoints) {
  client.grow(endpoints);
  std::printf(R"(  {"endpoints": %zu, )", endpoints);
  print_possessions("client", client.own());
  print_possessions("server", client.servers());
  const Client::Paces paces = client.paces();
  print_pace("one", paces.one, ", ");
  print_pace("many", paces.many, "}");
}

void measure(std::uint16_t port, const std::vector<std::size_t>& steps) {
  Client client{port};
  std::printf("{\"wire\": \"%s\",\n \"growth\": [\n", client.wire().c_str());
  const char* separator = "";
  for (const std::size_t endpoints : steps) {
    std::printf("%s", separator);
    print_step(client, endpoints);
    separator = ",\n";
  }
  std::printf("],\n \"outstanding\": [\n");
  separator = "";
  for (const std::uint64_t outstanding : {1U, 4U, 16U, 64U}) {
    std::printf("%s  {\"sends\": %zu, \"message_ns\": %.2f}", separator, outstanding,
                client.message_ns(outstanding));
    separator = ",\n";
  }
  std::printf("]}\n");
}

}  // namespace
}  // namespace mapwire::growth

int main(int argc, char** argv) {
  const std::vector<std::string> words{argv + 1, argv + argc};
  if (words.size() < 2) mapwire::fail("usage: growth serve PORT | measure PORT ENDPOINTS...");
  const auto port = static_cast<std::uint16_t>(std::stoul(words[1]));
  if (words[0] == "serve") {
    mapwire::growth::serve(port);
    return 0;
  }
  std::vector<std::size_t> steps;
  for (std::size_t i = 2; i < words.size(); ++i) steps.push_back(std::stoul(words[i]));
  mapwire::growth::measure(port, steps);
}
