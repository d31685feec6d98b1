#include "graph/analysis/bounds/box_analysis.h"

#include <doctest/doctest.h>

#include <cmath>

#include "graph/analysis/bounds/unit_saturation.h"
#include "graph/analysis/bounds/units.h"
#include "graph/analysis/check.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "tests/graph/analysis/deep_network.h"
#include "tests/graph/analysis/over_time.h"

using namespace crease;
using crease::test::over_time;

namespace {

Graph rectifiers(int layers) {
  return test::deep_network(layers, [](const Value& z) { return relu(z); });
}

const InputBox kBox{.all = Interval{0, 1}};

}  // namespace

TEST_CASE("bounds of units that exact arithmetic decided on are not computed again") {
  const Graph graph = rectifiers(6);
  const BoxAnalysis box(graph, kBox);
  REQUIRE(box.exact());
  const int64_t before = box.work();
  CHECK_GT(before, 0);
  for (const UnitNode& node : units_of(box)) CHECK_EQ(node.units.size(), 4);
  CHECK_EQ(box.work(), before);
}

TEST_CASE("beyond a limit of work units are bounded without exact arithmetic, and the report says so") {
  const Graph graph = rectifiers(6);
  const BoxAnalysis box(graph, kBox, {.work_limit = 1000});
  CHECK_FALSE(box.exact());
  const Finding units = unit_findings(box).front();
  CHECK_FALSE(units.certificate);
  CHECK_EQ(
      units.sentences.back(),
      "no certificate: exact arithmetic takes more than 1000 operations on rational numbers; in a program "
      "BoxOptions::work_limit allows more");
  const BoxAnalysis exact(graph, kBox);
  REQUIRE(unit_findings(exact).front().certificate);
  CHECK(check(*unit_findings(exact).front().certificate, graph).accepted);
  for (NodeId id = 0; id < graph.size(); ++id)
    if (graph.node(id).role == Role::Apply) CHECK(box.best(id, 0).outer.low <= exact.best(id, 0).outer.low);
}

TEST_CASE("fractions are counted as the longer work that they are") {
  const auto work = [](double low, double high) {
    Graph graph;
    const Value x = graph.input("x", {1}, Type::f64);
    graph.output("y", relu(relu(x) - relu(x - 0.25)));
    return BoxAnalysis(graph, {.all = Interval{low, high}}).work();
  };
  CHECK_GT(work(-0.3, 0.4), work(-0.5, 0.5));  // chords of 0.4 / 0.7 and of 1 / 2
}

TEST_CASE("why units have no certificate: too many loop points, or a box without ends") {
  const Graph graph = rectifiers(2);
  const auto last = [&](const InputBox& box, const BoxOptions& options) {
    return unit_findings(BoxAnalysis(graph, box, options)).front().sentences.back();
  };
  CHECK_EQ(last(kBox, {.exact_limit = 40}),
           "no certificate: 48 loop points times 4 inputs are too many for exact arithmetic");
  CHECK_EQ(last({}, {}), "no certificate: the box is infinite");
}

TEST_CASE("where an exact number becomes too long, intervals and lines are left") {
  Graph graph;
  const Value x = graph.input("x", {1}, Type::f64);
  Value small = x;
  for (int k = 0; k < 1100; ++k) small = small * std::ldexp(1.0, -1000);
  graph.output("y", relu(x + small));
  const BoxAnalysis box(graph, kBox);
  CHECK_FALSE(box.exact());
  CHECK(box.no_exact().starts_with("[rational] an exact number is too long"));
  CHECK(box.by_lines(graph.result("y").id(), 0).high >= 1);
}

TEST_CASE("units that are neither dead nor always active are undecided, never proved") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1});
  graph.output("y", relu(x * 2.0));
  const Finding open = unit_findings(BoxAnalysis(graph, {.all = Interval{-1, 1}})).front();
  CHECK(open.verdict == Verdict::Unknown);
  CHECK(open.sentences[0].starts_with("over the box: 0 dead, 0 always active, 1 undecided of 1 units"));
  CHECK_EQ(open.sentences[1], "y[0] in [-2, 2] undecided");
  CHECK_FALSE(open.certificate.has_value());  // it would prove nothing
  const Finding dead = unit_findings(BoxAnalysis(graph, {.all = Interval{-1, 0}})).front();
  CHECK(dead.verdict == Verdict::Proved);
  CHECK(dead.sentences[0].starts_with("over the box: 1 dead, 0 always active, 0 undecided of 1 units"));
}

TEST_CASE("nor is saturation, where bounds leave it open") {
  Graph graph;
  graph.output("y", tanh_op(graph.input("x", {"batch", 1})));
  const auto found = [&](double low, double high) {
    return unit_saturation_findings(BoxAnalysis(graph, {.all = Interval{low, high}})).front();
  };
  CHECK(found(-9, 9).verdict == Verdict::Unknown);
  CHECK_EQ(found(-9, 9).sentences[0],
           "units over the box: 0 saturated left, 0 saturated right, 0 linear, 1 undecided");
  CHECK(found(8, 9).verdict == Verdict::Proved);
  CHECK_EQ(found(8, 9).sentences[0],
           "units over the box: 0 saturated left, 1 saturated right, 0 linear, 0 undecided");
}

namespace {

/// The interval of the first element of the output y.
Interval first_of(const Graph& graph, Interval all) {
  const BoxAnalysis box(graph, {.all = all});
  return box.best(graph.result("y").id(), 0).outer;
}

}  // namespace

TEST_CASE("a share of a sum over a named dimension is not bounded by one sample") {
  Graph graph;
  const Value x = graph.input("x", {"time", 2});
  const Value e = exp_op(x);
  graph.output("y", e / sum(e, {0}));
  CHECK_LT(first_of(graph, {0, 1}).low, 0.1);

  Graph pooled;
  const Value z = pooled.input("x", {"batch", "time", 2});
  const Value scores = exp_op(sum(z, {2}));
  pooled.output("y", scores / sum(scores, {1}, true));
  CHECK_LT(first_of(pooled, {0, 1}).low, 0.1);

  Graph fixed;
  const Value each = exp_op(fixed.input("x", {"batch", 2}));
  fixed.output("y", each / sum(each, {1}, true));
  CHECK_EQ(first_of(fixed, {0, 1}).low, doctest::Approx(1 / (1 + std::exp(1))));
}

TEST_CASE("a convolution along a named dimension is not bounded by one row") {
  Graph graph;
  const Value x = graph.input("x", {"batch", "time"});
  graph.output("y", over_time()(x, graph.parameter("w", Tensor::f32({3}, {-5, 1, 0}))));
  const Interval y = first_of(graph, {1, 2});
  CHECK_LE(y.low, -9);
  CHECK_GE(y.high, 2);
}

TEST_CASE("a unit is saturated by proved slopes alone") {
  const auto saturated = [](const Op& activation, double low, double high) {
    Graph graph;
    graph.output("y", activation(graph.input("x", {"batch", 1})));
    int64_t count = 0;
    for (const UnitSaturation& node : unit_saturation(BoxAnalysis(graph, {.all = Interval{low, high}})))
      count += node.left + node.right;
    return count;
  };
  // Its slope is 1 at 0, but the choice could jump: no slope is proved.
  static const Op chosen{
      .name = "chosen", .doc = "", .body = [](Scalar x) { return select(x > 0, 1 - exp(-x), exp(x) - 1); }};
  CHECK_EQ(saturated(chosen, 0, 1), 0);
  // 1.09 % of the greatest slope, and 0.99 %.
  CHECK_EQ(saturated(sigmoid_op, 5.9, 5.9), 0);
  CHECK_EQ(saturated(sigmoid_op, 6, 6), 1);
}
