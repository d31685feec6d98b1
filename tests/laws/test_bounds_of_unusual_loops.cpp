// Operations that no layer has, but that a graph may: bounds and checkers must not take them for others.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "frontends/crease.h"
#include "graph/analysis/bounds/box_analysis.h"
#include "graph/analysis/bounds/units.h"
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

/// An operation with loops and a body of the caller's own.
Value made(Graph& graph, Combine combine, const Body& body, const Resolved& resolved,
           const std::vector<Value>& operands) {
  const auto op = std::make_shared<const Op>(Op{.name = "made", .doc = "", .body = body, .combine = combine});
  const Value value = graph.apply_resolved(op, resolved, operands, Type::f64, {});
  verify(graph);
  return value;
}

AffineIndex label(int number) { return {.terms = {{number, 1}}}; }

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

TEST_CASE("the greatest of some products is not bounded as their sum") {
  Graph graph;
  const Value x = graph.input("x", {2}, Type::f64), y = graph.input("y", {2}, Type::f64);
  Resolved all{.loops = {.labels = {{"i", Dim(2)}}, .reads = {{label(0)}, {label(0)}}}, .shape = {}};
  const Scalar product = Scalar::argument(0) * Scalar::argument(1);
  const Value greatest = made(graph, Combine::Max, Body(2, product), all, {x, y});
  graph.output("y", greatest);
  const BoxAnalysis box(graph, {.all = Interval{1, 2}});
  CHECK(box.best(greatest.id(), 0).outer == Interval{1, 4});
}

TEST_CASE("an extremum over nothing is infinite, and no zero") {
  Graph graph;
  const Value x = graph.input("x", {2}, Type::f64);
  Resolved first{.loops = {.labels = {{"i", Dim(1)}}, .reads = {{label(0)}}, .write = {label(0)}},
                 .shape = {Dim(2)}};
  const Value extremum = made(graph, Combine::Min, Body(1, Scalar::argument(0)), first, {x});
  const Value y = clip(-1, 1)(extremum);
  graph.output("y", y);
  REQUIRE(evaluate(graph, {{"x", Tensor::f64({2}, {0, 0})}}).at("y").at(1) == 1);
  const BoxAnalysis box(graph, {.all = Interval{-2, 2}});
  CHECK(box.best(y.id(), 1).outer.high >= 1);
  CHECK(*box.best(y.id(), 1).high >= 1);
}

TEST_CASE("tensors without elements have bounds without elements") {
  Graph graph;
  const Value none = graph.input("none", {0}, Type::f64), x = graph.input("x", {2}, Type::f64);
  graph.output("y", relu(concat({x, none}, 0)) + sum(none * graph.constant(Tensor(Type::f64, {0}))));
  const BoxAnalysis box(graph, {.all = Interval{-1, 2}});
  CHECK(box.best(graph.result("y").id(), 0).outer == Interval{0, 2});
}

TEST_CASE("a third that a constant is, exactly, is no double next to it") {
  Graph graph;
  const Value third = divide_by(3)(graph.constant(1.0, Type::f64));
  const Value y = prelu(graph.input("x", {1}, Type::f64), third);
  graph.output("y", y);
  const BoxAnalysis box(graph, {.all = Interval{-3, -3}});
  CHECK(*box.best(y.id(), 0).low <= -1);
  CHECK(*box.best(y.id(), 0).high >= -1);
}

TEST_CASE("lines go no further than what is known but for rounding") {
  Graph graph;
  const Value x = graph.input("x", {1, 2}, Type::f64);
  const Value w = matmul(graph.constant(Tensor::f64({2, 2}, {0.1, 0.2, 0.3, 0.4})),
                         graph.constant(Tensor::f64({2, 2}, {0.1, 0.7, 0.3, 0.4})));
  graph.output("y", relu(x + sum(relu(w - 0.2), {0}, true)));
  for (const LineUse lines : {LineUse::Wanted, LineUse::Everywhere}) {
    const Tensor low = Tensor::f64({1, 2}, {-1, -1}), high = Tensor::f64({1, 2}, {1, 1});
    const Boxes bounds = BoundsProgram(graph, {.lines = lines})({{"x", {low, high}}});
    CHECK(contains(bounds.at("y"), evaluate(graph, {{"x", high}}).at("y")));
  }
}

TEST_CASE("integers that wrap around are not bounded as if they did not") {
  Graph graph;
  Tensor large(Type::u8, {2});
  large.set(0, 200);
  large.set(1, 100);
  const Value twice = graph.constant(large) + graph.constant(large);
  const Value y = graph.input("x", {2}, Type::f64) + twice;
  graph.output("y", y);
  REQUIRE(evaluate(graph, {{"x", Tensor::f64({2}, {0, 0})}}).at("y").at(0) == 144);
  const BoxAnalysis box(graph, {.all = Interval{0, 0}});
  CHECK(box.best(y.id(), 0).outer.low <= 144);
}

TEST_CASE("infinite weights and products of weights make no line") {
  for (const double huge : {kInfinity, 1e300}) {
    Graph graph;
    const Value x = graph.input("x", {1, 2}, Type::f64);
    const Value w = graph.constant(Tensor::f64({2, 2}, {-1.375, -1, 1, huge}));
    const Value y = relu(x) + matmul(relu(x), w),
                z = matmul(y * huge, graph.constant(Tensor::f64({2, 1}, {1, 0})));
    graph.output("y", y);
    graph.output("z", relu(z) * 1e-300);
    const Tensor point = Tensor::f64({1, 2}, {0, 0.375});
    const BoxAnalysis box(graph, {.inputs = {{"x", {{0, 1}, {-0.75, 0.375}}}}});
    CHECK(box.best(y.id(), 0).outer.high >= evaluate(graph, {{"x", point}}).at("y").at(0));
    const Interval last = box.best(graph.result("z").id(), 0).outer;
    CHECK((last.low <= 0 && last.high >= 0.375));
  }
}

TEST_CASE("exact ends beyond all doubles are no ends") {
  Graph graph;
  Value x = graph.input("x", {1, 1}, Type::f64);
  for (const double w : {1.1e300, 1.3e300, 1.7e300, 1.9e-299})
    x = relu(matmul(x, graph.constant(Tensor::f64({1, 1}, {w}))) + w / 3);
  graph.output("y", x);
  CHECK(BoxAnalysis(graph, {.all = Interval{-0.1, 0.7}}).best(x.id(), 0).outer.low >= 0);
}

TEST_CASE("proofs of an extremum hold where some of its comparisons are decided") {
  Graph graph;
  const Value x = graph.input("x", {1, 1}, Type::f64), y = graph.input("y", {1, 1}, Type::f64);
  graph.output("most", reduce_max(concat({x, x + 1, y, x * 2 + 2}, 1), {1}));
  for (const Finding& finding : unit_findings(BoxAnalysis(graph, {.all = Interval{-1, 1}}))) {
    REQUIRE(finding.certificate);
    const CheckResult result = check(*finding.certificate, graph);
    CHECK_MESSAGE(result.accepted, result.reason);
  }
  const BoxAnalysis box(graph, {.all = Interval{-1, 1}});
  const CheckResult result = check(units_certificate(graph, *box.exact(), box.box_json()), graph);
  CHECK_MESSAGE(result.accepted, result.reason);
}

TEST_CASE("bounds in f32 of what integers choose are bounds") {
  for (const Type integer : {Type::u8, Type::i32}) {
    Graph graph;
    graph.output("y", one_hot(graph.input("i", {2}, integer), 3, Type::f64));
    Tensor index(integer, {2});
    index.set(0, 1);
    const Boxes bounds = BoundsProgram(graph, {.type = Type::f32})({}, {{"i", index}});
    CHECK(contains(bounds.at("y"), evaluate(graph, {{"i", index}}).at("y")));
  }
}

TEST_CASE("what depends on the number of the sample is not bounded by that of the first") {
  for (const Combine combine : {Combine::Max, Combine::Sum}) {
    Graph graph;
    const Value x = graph.input("x", {"batch"}, Type::f64);
    Resolved rows{.loops = {.labels = {{"b", Dim("batch")}}, .reads = {{label(0)}}}, .shape = {}};
    const Value y = made(graph, combine, Body(1, Scalar::argument(0) + Scalar::index(0)), rows, {x});
    graph.output("y", y);
    REQUIRE(evaluate(graph, {{"x", Tensor::f64({2}, {0, 0})}}).at("y").at(0) == 1);
    CHECK(BoxAnalysis(graph, {.all = Interval{0, 0}}).best(y.id(), 0).outer.high >= 1);
  }
}
