// Operations that no layer has, but that a graph may: bounds and checkers must not take them for others.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "frontends/crease.h"
#include "graph/analysis/bounds/node_bounds.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/check.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/linearity.h"
#include "jit/bounds_program.h"

using namespace crease;

namespace {

bool contains(const TensorBounds& bounds, const Tensor& value) {
  for (int64_t i = 0; i < value.count(); ++i)
    if (value.at(i) < bounds.low.at(i) || bounds.high.at(i) < value.at(i)) return false;
  return true;
}

const Op truncated{.name = "truncated",
                   .doc = "1.5 x, as an integer.",
                   .body = [](Scalar x) { return x * 1.5; },
                   .type = ResultType::Index};

}  // namespace

TEST_CASE("a quotient by the sum of some of the terms is no share") {
  Graph graph;
  const Value e = exp(graph.input("x", {4}, Type::f64));
  Resolved half{.loops = {}, .shape = {}};
  half.loops.labels = {{"i", Dim(2)}};
  half.loops.reads = {{AffineIndex{.terms = {{0, 1}}}}};
  const auto sum = std::make_shared<const Op>(
      Op{.name = "half", .doc = "", .body = Body(1, Scalar::argument(0)), .combine = Combine::Sum});
  graph.output("y", e / graph.apply_resolved(sum, half, {e}, Type::f64, {}));
  verify(graph);
  const Tensor top = Tensor::f64({4}, {0, 0, 0, 3});
  const Boxes bounds = BoundsProgram(graph)({{"x", {Tensor::f64({4}, {0, 0, 0, 0}), top}}});
  CHECK(contains(bounds.at("y"), evaluate(graph, {{"x", top}}).at("y")));
}

TEST_CASE("numbers cut to integers are not bounded by what is cut") {
  Graph graph;
  const Value x = graph.input("x", {2}, Type::f64);
  graph.output("y", truncated(x) + x * 0.0);
  const Tensor low = Tensor::f64({2}, {-0.6, 0.4}), high = Tensor::f64({2}, {-0.5, 0.5});
  const Tensor value = evaluate(graph, {{"x", high}}).at("y");
  for (const LineUse lines : {LineUse::None, LineUse::Everywhere})
    CHECK(contains(BoundsProgram(graph, {.lines = lines})({{"x", {low, high}}}).at("y"), value));
  const NodeId y = graph.result("y").id();
  const auto bounds = node_bounds(graph, {.inputs = {{"x", {{-0.6, -0.5}, {0.4, 0.5}}}}}, {y});
  for (int64_t i = 0; i < 2; ++i) {
    CHECK(bounds[static_cast<size_t>(y)].at(i).low <= value.at(i));
    CHECK(bounds[static_cast<size_t>(y)].at(i).high >= value.at(i));
  }
}

TEST_CASE("numbers cut to integers are no affine map, and no certificate says so") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1}, Type::f64);
  const Value cut = truncated(x), y = x + cut;
  graph.output("y", y);
  const Linearity facts = linearity(graph);
  CHECK(facts.parts[static_cast<size_t>(cut.id())] == Part::Atom);
  const nlohmann::json forged = {
      {"cert", "graph-cert/1"},
      {"kind", "affine-collapse"},
      {"graph", digest(graph)},
      {"semantics", "real"},
      {"claim",
       {{"sink", node_key(graph, y.id())}, {"frontier", {"x"}}, {"W", {{"x", {{"5/2"}}}}}, {"b", {"0"}}}},
      {"steps",
       {{{"rule", "AFFINE"}, {"node", node_key(graph, cut.id())}},
        {{"rule", "AFFINE"}, {"node", node_key(graph, y.id())}}}}};
  const CheckResult result = check(forged.dump(), graph);
  CHECK_FALSE(result.accepted);
  CHECK_MESSAGE(result.reason.find("cuts numbers to integers") != std::string::npos, result.reason);
}

TEST_CASE("a product over nothing is 1, and does not hide a factor") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1}, Type::f64);
  const Value w = graph.parameter("w", Tensor::f64({1}, {3}));
  Resolved outside{.loops = {}, .shape = {Dim(1)}};
  outside.loops.labels = {{"i", Dim(1)}, {"k", Dim(1)}};
  outside.loops.reads = {{AffineIndex{.terms = {{1, 1}}, .offset = 5}}};
  outside.loops.write = {AffineIndex{.terms = {{0, 1}}}};
  const auto product = std::make_shared<const Op>(
      Op{.name = "product", .doc = "", .body = Body(1, Scalar::argument(0)), .combine = Combine::Product});
  const Value one = graph.apply_resolved(product, outside, {w}, Type::f64, {});
  graph.output("y", w * one * x);
  REQUIRE(evaluate(graph, {{"x", Tensor::f64({1, 1}, {2})}}).at("y").at(0) == 6);
  const nlohmann::json forged = {
      {"cert", "graph-cert/1"},
      {"kind", "rescaling-invariance"},
      {"graph", digest(graph)},
      {"semantics", "real"},
      {"basis", {{{"params", {{"w", {{"0", "1"}}}}}, {"tensors", nlohmann::json::object()}}}}};
  CHECK_FALSE(check(forged.dump(), graph).accepted);
}
