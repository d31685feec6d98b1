#include "graph/analysis/convexity.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <random>

#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/catalog.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "tests/files.h"
#include "tests/graph/analysis/oracle_facts.h"

using namespace crease;

namespace {

Curve of(const Scalar& body, bool negative = true, bool positive = true) {
  const Curve argument{.rises = 1, .negative = negative, .positive = positive};
  return CurveBody(body).run({&argument, 1});
}

/// Whether samples of a body contradict a fact about it.
bool contradicted(const Scalar& body, const Curve& curve) {
  const auto at = [&](double x) { return evaluate(body, {.arguments = {&x, 1}}); };
  for (double x = -8; x <= 8; x += 0.25)
    for (const double width : {0.125, 0.5, 2.0}) {
      const double low = at(x - width), mid = at(x), high = at(x + width);
      const double bend = low + high - 2 * mid, slack = 1e-12 * (1 + std::abs(low) + std::abs(high));
      if ((!curve.bends_up && bend > slack) || (!curve.bends_down && bend < -slack)) return true;
      if ((curve.rises == 0 && high > low + slack) || (curve.falls == 0 && high < low - slack)) return true;
      if ((!curve.negative && mid < -slack) || (!curve.positive && mid > slack)) return true;
    }
  return false;
}

Tensor random_tensor(std::mt19937& random, std::vector<int64_t> sizes) {
  Tensor tensor(Type::f32, std::move(sizes));
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, normal(random));
  return tensor;
}

}  // namespace

TEST_CASE("curvature and monotonicity of activations follow from their bodies") {
  CHECK(curvature_name(of(relu.body.expression)) == "convex");
  CHECK(curvature_name(of(elu.body.expression)) == "convex");
  CHECK(curvature_name(of(squared_relu.body.expression)) == "convex");
  CHECK(curvature_name(of(softplus_op.body.expression)) == "convex");
  CHECK(curvature_name(of(relu6.body.expression)) == "unknown");
  CHECK(curvature_name(of(tanh_op.body.expression)) == "unknown");
  CHECK(curvature_name(of(tanh_op.body.expression, false, true)) == "concave");
  CHECK(curvature_name(of(relu.body.expression, false, true)) == "affine");
  CHECK(curvature_name(of(relu.body.expression, true, false)) == "constant");
  CHECK(monotone_sign(of(step.body.expression), 1) == '+');
  CHECK(monotone_sign(of(hard_swish.body.expression), 1) == '?');
}

TEST_CASE("no body of one argument contradicts the curvature and monotonicity that are proved of it") {
  for (const CatalogRow& row : catalog()) {
    const Op* op = &row.op;
    if (op->body.arity != 1 || !op->loops.empty()) continue;
    CAPTURE(op->name);
    CHECK_FALSE(contradicted(op->body.expression, of(op->body.expression)));
  }
}

TEST_CASE("facts of random networks are never contradicted by samples") {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    CAPTURE(round);
    Graph graph;
    const Value x = graph.input("x", {3});
    Value h = matmul(reshape(x, {1, 3}), graph.parameter("w1", random_tensor(random, {3, 4})));
    h = round % 3 == 0 ? elu(h) : round % 3 == 1 ? relu(h) : tanh_op(h);
    h = maxout(matmul(h, graph.parameter("w2", random_tensor(random, {4, 4}))), 2);
    graph.output("y", reduce_max(h, {-1}, false) + sum(h * h, {-1}, false));
    const Convexity facts(graph);
    const Curve curve = facts.at(graph.outputs()[0].node, 0);
    const auto at = [&](const Tensor& point) {
      return static_cast<double>(evaluate(graph.result("y"), {{"x", point}}).at(0));
    };
    for (int sample = 0; sample < 20; ++sample) {
      const Tensor from = random_tensor(random, {3}), to = random_tensor(random, {3});
      Tensor middle(Type::f32, {3});
      for (int64_t i = 0; i < 3; ++i) middle.set(i, (from.at(i) + to.at(i)) / 2);
      const double bend = at(from) + at(to) - 2 * at(middle);
      CHECK((curve.bends_up || bend <= 1e-4));
      CHECK((curve.bends_down || bend >= -1e-4));
    }
  }
}

TEST_CASE("one layer of relu is convex for all parameters, and so is a sum over nonnegative weights") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  std::mt19937 random(1);
  const Value a = relu(matmul(x, graph.parameter("w", random_tensor(random, {2, 5}))));
  graph.output("a", a);
  graph.output("y", matmul(a, graph.parameter("v", Tensor::f32({5, 1}, {1, 2, 0, 1, 3}))));
  const Convexity always(graph, {.level = Level::Structure}), now(graph);
  CHECK(curvature_name(always.any(graph.result("a").id())) == "convex");
  CHECK(curvature_name(always.any(graph.result("y").id())) == "unknown");
  CHECK(curvature_name(now.any(graph.result("y").id())) == "convex");
  const auto findings = convexity_findings(graph);
  CHECK(findings[0].sentences[0] == "a is convex, whatever the parameters are");
  CHECK(findings[1].level == Level::Values);
}

TEST_CASE("an operation over the batch has no curvature for one sample") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  graph.output("y", x - mean(x, {0}, true));
  CHECK(curvature_name(Convexity(graph).any(graph.outputs()[0].node)) == "unknown");
}

TEST_CASE("one fact for all elements is never stronger than a fact for each") {
  Graph graph;
  const Value x = graph.input("x", {2});
  const Value w = graph.parameter("w", Tensor::f32({2, 2}, {1, 2, 3, 4}));
  graph.output("y", relu(matmul(reshape(x, {1, 2}), w)));
  const NodeId y = graph.outputs()[0].node;
  CHECK(curvature_name(Convexity(graph, {.point_limit = 0}).any(y)) == "convex");
  CHECK(monotone_sign(Convexity(graph, {.point_limit = 0}).any(y), 1) == '+');
}

TEST_CASE("curvature, monotonicity and degrees of the oracle's networks") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  const auto oracle = test::read_oracle(*file);
  for (const auto& description : oracle["networks"]) {
    CAPTURE(description["id"].get<std::string>());
    const auto& expected = description["expected"]["class"];
    const auto failures = test::check_node_facts(test::build_network(description), expected["nodes"],
                                                 expected["truth"].value("all_space", nlohmann::json()));
    for (const std::string& failure : failures) FAIL_CHECK(failure);
  }
}

TEST_CASE("of parameters that are not finite nothing is claimed") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value h = relu(matmul(x, graph.parameter("w", Tensor::f32({2, 1}, {NAN, 1}))));
  graph.output("y", matmul(h, graph.parameter("v", Tensor::f32({1, 1}, {1}))));
  const Finding finding = convexity_findings(graph).front();
  CHECK(finding.verdict == Verdict::Unknown);
  CHECK(finding.sentences.front().find("'w'") != std::string::npos);
  // Nor where the curvature is open with or without the numbers, and a direction would follow from them.
  Graph both;
  const Value hidden =
      relu(matmul(both.input("x", {"batch", 2}), both.parameter("w", Tensor::f32({2, 2}, {NAN, 1, 1, -1}))));
  both.output("y", matmul(hidden, both.parameter("v", Tensor::f32({2, 1}, {1, -1}))));
  const Finding open = convexity_findings(both).front();
  CHECK(open.verdict == Verdict::Unknown);
  CHECK(open.sentences.front().find("'w'") != std::string::npos);
}

TEST_CASE("a slope that is infinite at 0 joins no halves") {
  const auto folded = [](Scalar x) { return select(x < 0, -x, x); };
  const auto root = Body([&](Scalar x) { return sqrt(folded(x)); }).expression;
  const auto logarithm = Body([&](Scalar x) { return log(folded(x)); }).expression;
  CHECK_FALSE(of(root).is_concave());
  CHECK_FALSE(of(logarithm).is_concave());
}

TEST_CASE("a body keeps apart which of its arguments varies") {
  const Scalar body = Body([](Scalar a, Scalar b) { return max(a - 2 * b, 0); }).expression;
  CurveBody facts(body);
  const Curve x{.rises = 1, .negative = true, .positive = true}, zero = constant_curve(0);
  const Curve first = facts.run(std::array{x, zero}), second = facts.run(std::array{zero, x});
  CHECK((first.rises == 1 && first.falls == 0));
  CHECK((second.rises == 0 && second.falls == 1));

  Graph graph;
  const Value h = relu(graph.input("x", {1})) * graph.constant(Tensor::f32({3}, {2, 0, -1}));
  const Op below{.name = "below", .doc = "", .body = [](Scalar a, Scalar b) { return select(a <= b, 1, 0); }};
  const Value each = below(unsqueeze(h, 0), unsqueeze(h, 1));
  const Convexity table(graph);
  CHECK(table.at(each.id(), 1).is_constant());        // 0 <= 2 relu(x)
  CHECK_FALSE(table.at(each.id(), 3).is_constant());  // 2 relu(x) <= 0
}

TEST_CASE("random numbers vary with their counter") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1}), k = graph.input("k", {}, Type::i64);
  graph.output("y", x * graph.random({1}, k, 3));
  for (const Finding& finding : convexity_findings(graph))
    for (const std::string& sentence : finding.sentences)
      CHECK_EQ(sentence.find("independent"), std::string::npos);
}

TEST_CASE("what is proved leads, and an unknown curvature is not called neither") {
  Graph graph;
  graph.output("y", sigmoid(graph.input("x", {"batch", 1})));
  const Finding finding = convexity_findings(graph).front();
  REQUIRE_EQ(finding.sentences.size(), 2);
  CHECK_EQ(finding.sentences[0], "y is nondecreasing in all of x");
  CHECK_EQ(finding.sentences[1],
           "y is not known to be convex or concave: the rules of composition do not tell");
}
