#include "frontends/report/fold_picture.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "frontends/models.h"
#include "frontends/report.h"
#include "graph/error.h"
#include "graph/ops/activation.h"

using namespace crease;

namespace {

Graph plane() { return network(mlp({2, 6, 1}, relu, {.bias_init = uniform(-1, 1)}), 2); }

double area(const FoldCell& cell) {
  double sum = 0;
  for (size_t i = 0; i < cell.corners.size(); ++i) {
    const auto& a = cell.corners[i];
    const auto& b = cell.corners[(i + 1) % cell.corners.size()];
    sum += (a[0] * b[1] - a[1] * b[0]) / 2;
  }
  return std::abs(sum);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the polygons of a fold picture tile the square, one colour a map") {
  const auto picture = fold_picture(plane(), 1.5);
  REQUIRE(picture);
  double total = 0;
  for (const FoldCell& cell : picture->cells) {
    CHECK(cell.corners.size() >= 3);
    CHECK(cell.map < picture->maps.size());
    total += area(cell);
  }
  CHECK(total == doctest::Approx(9));
  CHECK(picture->cells.size() > 2);
  const std::string svg = to_svg(*picture);
  size_t polygons = 0;
  for (size_t at = svg.find("<polygon"); at != std::string::npos; at = svg.find("<polygon", at + 1))
    ++polygons;
  CHECK(polygons == picture->cells.size());
  CHECK(nlohmann::json::parse(to_json(*picture)).at("cells").size() == polygons);
}

TEST_CASE("|x| in one of two inputs folds the square once, and names its maps") {
  Graph graph;
  graph.output("y", abs_op(graph.input("x", {2})));
  const auto picture = fold_picture(graph);
  REQUIRE(picture);
  CHECK(picture->cells.size() == 4);
  CHECK(has(to_svg(*picture), "y[0] = -x[0], y[1] = x[1]"));
}

TEST_CASE("no picture of smooth networks, of three inputs, or of more pieces or work than asked for") {
  CHECK_FALSE(fold_picture(network(mlp({2, 3, 1}, tanh_op), 2)));
  CHECK_FALSE(fold_picture(network(mlp({3, 3, 1}, relu), 3)));
  CHECK_FALSE(fold_picture(plane(), 2, 1));
  CHECK_FALSE(fold_picture(plane(), 2, 600, 100));
  CHECK_THROWS_AS(fold_picture(plane(), 0), Error);
}

TEST_CASE("a report observes zeros and gradients on the samples given, and separability with labels") {
  const Graph graph = plane();
  CHECK(has(to_text(analyze(graph), 0), "are exactly 0 on 32 standard normal samples"));
  AnalyzeOptions options;
  options.samples = {{{"x", Tensor::f32({4, 2}, {0, 0, 0, 1, 1, 0, 1, 1})}}};
  options.labels = {0, 1, 1, 0};
  const std::string xor_report = to_text(analyze(graph, options), 0);
  CHECK(has(xor_report, "SPARSITY      "));
  CHECK(has(xor_report, "GRADIENTS     "));
  CHECK(has(xor_report,
            "SEPARABILITY  at x: 0 of 1 classes are linearly separable from the others on 4 samples"));
  options.labels = {0, 1, 1, 1};
  CHECK(has(to_text(analyze(graph, options), 0), "at x: 1 of 1 classes"));
  options.samples.clear();
  CHECK_THROWS_AS(analyze(graph, options), Error);
}

TEST_CASE("targets that the output cannot reach are named in the report") {
  Graph graph;
  graph.output("y", sigmoid_op(graph.input("x", {2})));
  AnalyzeOptions options;
  CHECK_FALSE(has(to_text(analyze(graph, options), 0), "target-out-of-range"));
  options.targets = {-1, 1};
  CHECK(has(to_text(analyze(graph, options), 0), "target-out-of-range"));
}
