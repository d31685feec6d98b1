// Operations that no layer has: extrema and products over nothing, combinations of what does not vary,
// numbers cut to integers. Analyses say what they are, or nothing.
#include <doctest/doctest.h>

#include "graph/analysis/check.h"
#include "graph/analysis/convexity.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/equivalence/equivalence.h"
#include "graph/analysis/exact.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/normal_form/normal_form.h"
#include "graph/analysis/path_norm.h"
#include "graph/analysis/regions.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "graph/verify.h"

using namespace crease;

namespace {

/// The first element of x alone, put together with nothing in the others of a result of two.
Value first_of_two(Combine combine, const Value& x) {
  const Resolved loops{.loops = {.labels = {{"i", Dim(1)}},
                                 .reads = {{AffineIndex{.terms = {{0, 1}}}}},
                                 .write = {AffineIndex{.terms = {{0, 1}}}}},
                       .shape = {Dim(2)}};
  const auto op = std::make_shared<const Op>(
      Op{.name = "first", .doc = "", .body = Body(1, Scalar::argument(0)), .combine = combine});
  return x.graph().apply_resolved(op, loops, {x}, x.type(), {});
}

/// 1.5 x + offset, cut to an integer.
Graph cut(double offset) {
  Graph graph;
  const Value x = graph.input("x", {1}, Type::f64);
  const Op op{.name = "cut",
              .doc = "",
              .body = [=](Scalar e) { return e * 1.5 + offset; },
              .type = ResultType::Index};
  graph.output("y", op(x) + x * 0.0);
  return graph;
}

}  // namespace

TEST_CASE("a product over nothing is 1 in every analysis") {
  Graph graph;
  const Value x = graph.input("x", {1}, Type::f64), y = first_of_two(Combine::Product, x);
  graph.output("y", y);
  verify(graph);
  REQUIRE(evaluate(graph, {{"x", Tensor::f64({1}, {3})}}).at("y").at(1) == 1);
  const Linearity facts = linearity(graph);
  CHECK(facts.parts[static_cast<size_t>(y.id())] == Part::Atom);
  const Curve other = Convexity(graph).at(y.id(), 1);
  CHECK(other.positive);
  CHECK_FALSE(other.negative);
  if (const auto map = local_map(graph, {Rational(3)})) CHECK(map->outputs[1].at({Rational(3)}) == 1);
}

TEST_CASE("an extremum over nothing is infinite, and has no piece") {
  Graph graph;
  const Value x = graph.input("x", {1}, Type::f64), y = first_of_two(Combine::Min, x);
  graph.output("y", y);
  CHECK_FALSE(local_map(graph, {Rational(3)}).has_value());
  CHECK(Convexity(graph).at(y.id(), 1).positive);
}

TEST_CASE("the greatest of numbers that do not vary is not their sum") {
  const Op two{.name = "two",
               .doc = "",
               .loops = "i -> ",
               .body = [](Scalar x) { return select(x <= 0, x - x, x - x) + 2; },
               .combine = Combine::Max};
  Graph graph;
  const Value y = two(graph.input("x", {4}, Type::f64));
  graph.output("y", y);
  const Linearity facts = linearity(graph);
  CHECK(facts.parts[static_cast<size_t>(y.id())] == Part::Atom);
}

TEST_CASE("an extremum of one number each is proved affine") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3}, Type::f64);
  graph.output("y", maxout(x * 2, 1) - relu(x) + relu(x));
  int certificates = 0;
  for (const Finding& finding : normal_form_findings(graph)) {
    if (!finding.certificate) continue;
    const CheckResult result = check(*finding.certificate, graph);
    CHECK_MESSAGE(result.accepted, result.reason);
    ++certificates;
  }
  CHECK(certificates > 0);
}

TEST_CASE("a step about what is no operation is refused") {
  Graph graph;
  const Value x = graph.input("x", {1}, Type::f64);
  graph.output("y", relu(x * graph.parameter("p", Tensor::f64({1}, {2}))));
  for (const char* node : {"x", "p"}) {
    const std::string json = fmt::format(
        R"({{"cert":"graph-cert/1","kind":"unit-verdicts","graph":"{}","semantics":"real","claim":{{"units":{{}}}},)"
        R"("steps":[{{"rule":"BOUND","node":"{}","index":0,"l":"0","u":"1","lower_proof":{{}},"upper_proof":{{}}}}]}})",
        digest(graph), node);
    const CheckResult result = check(json, graph);
    CHECK_FALSE(result.accepted);
    CHECK_MESSAGE(result.reason.ends_with("is no operation"), result.reason);
  }
}

TEST_CASE("networks whose values leave all doubles are compared without an error") {
  Graph graph;
  const Value x = graph.input("x", {1}, Type::f64), w = graph.parameter("w", Tensor::f64({1}, {1e300}));
  graph.output("y", exp(x * 100) * w * w * 1e300);
  Graph other = graph;
  other.set_parameter("w", Tensor::f64({1}, {1.5e300}));
  CHECK(equivalent(graph, other).verdict != Verdict::Proved);
}

TEST_CASE("numbers cut to integers have no exact value, degree, path or difference") {
  const Graph graph = cut(0);
  const NodeId y = graph.result("y").id(), x = graph.find("x").id();
  CHECK_FALSE(evaluate_exactly(graph, {{x, {Rational(1, 2)}}}, std::span(&y, 1)).has_value());
  CHECK(linearity(graph).degree(y, x) == kNotPolynomial);
  CHECK_FALSE(lipschitz_bound(graph).reason.empty());
  CHECK(equivalent(graph, cut(0x1p-40)).verdict != Verdict::Refuted);
}
