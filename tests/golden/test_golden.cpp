// Text in, text out: each file beside this one holds a graph and what every machine-independent step makes of
// it. To accept a change of the steps' output, run with CREASE_UPDATE_GOLDEN=1 and read the difference before
// committing it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "autodiff/reverse.h"
#include "frontends/file.h"
#include "graph/text.h"
#include "jit/program.h"
#include "tests/files.h"

using namespace crease;

namespace {

constexpr std::string_view mark = "== ";

/// The graph of a golden file: what stands under "== graph".
std::string graph_section(const std::string& text) {
  const std::string head = "== graph\n";
  const size_t start = text.find(head);
  REQUIRE_NE(start, std::string::npos);
  const size_t end = text.find("\n== ", start);
  return text.substr(start + head.size(), end == std::string::npos ? end : end + 1 - start - head.size());
}

/// The graph with gradients of "loss" by every parameter, under its Tie, as outputs.
Graph with_gradients(const Graph& graph) {
  Graph result = graph;
  std::vector<Value> parameters;
  for (const NodeId id : result.parameters()) parameters.push_back(result.value(id));
  const std::vector<Value> gradients = grad(result.result("loss"), parameters);
  for (size_t i = 0; i < gradients.size(); ++i) result.output("gradient" + std::to_string(i), gradients[i]);
  return result;
}

std::string all_steps(const std::string& source) {
  const Graph graph = parse(source);
  const Graph gradients = with_gradients(graph);
  const Program program = compile(gradients, {.keep_dumps = true});
  const auto section = [](std::string_view title, const std::string& body) {
    return std::string(mark) + std::string(title) + "\n" + body + (body.ends_with('\n') ? "" : "\n");
  };
  return section("graph", to_string(graph)) + section("gradient", to_string(gradients)) +
         section("kernels", program.dumps().kernels) + section("fused kernels", program.dumps().fused);
}

void check_golden(const std::string& name) {
  const auto path = crease::test::source_file("tests/golden/" + name);
  const std::string expected = read_file(path);
  const std::string got = all_steps(graph_section(expected));
  if (std::getenv("CREASE_UPDATE_GOLDEN") != nullptr) {
    write_file_atomically(path, got);
    return;
  }
  const auto at = std::mismatch(got.begin(), got.end(), expected.begin(), expected.end()).first - got.begin();
  const auto line = std::count(got.begin(), got.begin() + at, '\n') + 1;
  CAPTURE(line);
  CHECK_EQ(got, expected);
}

}  // namespace

TEST_CASE("a relu layer, its gradient and its kernels read as recorded") { check_golden("relu_layer.txt"); }

TEST_CASE("a tie rule shows in the gradient and in the kernels") { check_golden("tie.txt"); }

TEST_CASE("a strided convolution and its adjoints read as recorded") { check_golden("convolution.txt"); }
