// The program of README.md, which stands there as it stands here.
#include <doctest/doctest.h>

#include "frontends/crease.h"
#include "frontends/file.h"
#include "tests/files.h"

namespace crease {
namespace {

/// What `parameters` has of a network's own.
void check_has(const Graph& network, const std::map<std::string, Tensor>& parameters) {
  for (const auto& [name, value] : parameters_of(network)) CHECK(parameters.at(name) == value);
}

TEST_CASE("the program of README.md reports on the network that it trained") {
  Graph graph;
  Value x = graph.input("x", {"batch", 64}), label = graph.input("label", {"batch"}, Type::i32);
  auto net = sequential(linear(64, 64), relu, linear(64, 10));
  Value logits = net(x), loss = mean(softmax_cross_entropy(logits, label));
  Program step = compile(train_step(loss, adam()));  // forward, backward, update: one native call
  for (const Batch& batch : split(digits()).batches(32)) step({{"x", batch.x}, {"label", batch.y}});
  take_parameters(graph, step.parameters());  // until now the graph has the initial ones
  graph.output("logits", logits);

  const Report report = analyze(graph);
  check_has(report.graph, step.parameters());
  CHECK(predict(report.graph, split(digits()).test.x).sizes() == std::vector<int64_t>{359, 10});
}

/// The blocks of C++ on a page.
std::vector<std::string> programs_in(const std::string& page) {
  constexpr std::string_view open = "```cpp\n", close = "```\n";
  std::vector<std::string> programs;
  for (size_t at = page.find(open); at != std::string::npos; at = page.find(open, at)) {
    at += open.size();
    const size_t end = page.find(close, at);
    REQUIRE(end != std::string::npos);
    programs.push_back(page.substr(at, end - at));
    at = end + close.size();
  }
  return programs;
}

TEST_CASE("the program of README.md is that of this file") {
  const auto lines = [](const char* name) { return read_file(test::source_file(name)); };
  const std::string here = lines("tests/frontends/test_pages.cpp");
  const std::vector<std::string> readme = programs_in(lines("README.md"));
  REQUIRE(readme.size() == 1);
  const size_t begin = readme[0].find("  Graph graph;"), end = readme[0].find("  fmt::print(");
  REQUIRE(end != std::string::npos);
  CHECK(here.find(readme[0].substr(begin, end - begin)) != std::string::npos);
  CHECK(readme[0].substr(end).starts_with("  fmt::print(\"{}\\n\", analyze(graph));"));
}

}  // namespace
}  // namespace crease
