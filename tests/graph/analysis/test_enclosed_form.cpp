#include "graph/analysis/enclosed_form.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "graph/analysis/check.h"
#include "graph/analysis/decimals.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/rewrite/collapse.h"
#include "tests/graph/analysis/mutants.h"

using namespace crease;
using nlohmann::json;

namespace {

/// A layer and batch normalisation in use: (x w - mean) / sqrt(variance + 1/1024) scale + shift.
struct Normalised {
  Graph graph;
  std::vector<float> w{1, -2, 3, 0.5F, 0.25F, -1}, mean{0.5F, -1, 2}, variance{2, 3, 0.125F},
      scale{1.5F, -1, 3}, shift{0, 1, -2};

  Normalised() {
    const Value h = matmul(graph.input("x", {"batch", 2}), graph.parameter("w", Tensor::f32({2, 3}, w)));
    const Value deviation = sqrt_op(graph.parameter("variance", Tensor::f32({3}, variance)) + 0x1p-10);
    const Value unit = (h - graph.parameter("mean", Tensor::f32({3}, mean))) / deviation;
    graph.output("y", unit * graph.parameter("scale", Tensor::f32({3}, scale)) +
                          graph.parameter("shift", Tensor::f32({3}, shift)));
  }

  long double factor(size_t o) const {
    return static_cast<long double>(scale[o]) / std::sqrt(static_cast<long double>(variance[o]) + 0x1p-10L);
  }
};

Finding collapse_of(const Graph& graph) {
  for (Finding& finding : linearity_findings(graph))
    if (finding.id == "collapse") return std::move(finding);
  return {};
}

}  // namespace

TEST_CASE("batch normalisation behind a layer is one affine map with a proved error") {
  const Normalised given;
  const Linearity facts = linearity(given.graph);
  const auto near = enclosed_form(given.graph, facts, given.graph.outputs()[0].node);
  REQUIRE_MESSAGE(near.form, near.reason);
  const double error = near.form->error.to_double();
  CHECK(error > 0);
  CHECK(error < 1e-13);  // four uses of doubles with 53 bits, of magnitudes below 20
  for (size_t o = 0; o < 3; ++o) {
    for (size_t i = 0; i < 2; ++i) {
      const long double exact = given.w[i * 3 + o] * given.factor(o);
      const double got =
          near.form->form.weights[0].at(static_cast<int64_t>(i), static_cast<int64_t>(o)).to_double();
      CHECK(std::abs(static_cast<double>(got - exact)) <= error + 1e-15);
    }
    const long double exact = given.shift[o] - given.mean[o] * given.factor(o);
    CHECK(std::abs(static_cast<double>(near.form->form.offset[o].to_double() - exact)) <= error + 1e-15);
  }
}

TEST_CASE("the report encloses irrational maps, and the checker accepts nothing that is further off") {
  const Normalised given;
  const Finding finding = collapse_of(given.graph);
  CHECK(finding.verdict == Verdict::Proved);
  REQUIRE(finding.certificate);
  CHECK(finding.certificate->kind == "affine-enclosure");
  const CheckResult result = check(*finding.certificate, given.graph);
  CHECK_MESSAGE(result.accepted, result.reason);
  const json certificate = json::parse(finding.certificate->json);
  const Rational error = Rational::parse(certificate["claim"]["error"].get<std::string>());
  CHECK_NE(finding.sentences[0].find("within " + at_most_text(error, 2) + " of"), std::string::npos);
  CHECK_NE(result.reason.find("within " + at_most_text(error, 3) + " of"), std::string::npos);
  for (const test::Mutant& mutant : test::mutants(certificate)) {
    CAPTURE(mutant.change);
    const bool weaker = mutant.change.starts_with("/claim/error: ") && !mutant.change.ends_with("deleted") &&
                        mutant.json["claim"].contains("error");
    const CheckResult changed = check(mutant.json.dump(), given.graph);
    if (!weaker) CHECK_MESSAGE(!changed.accepted, changed.reason);
  }
  json tighter = certificate;
  tighter["claim"]["error"] = "0";
  CHECK_FALSE(check(tighter.dump(), given.graph).accepted);
  json moved = certificate;  // by twice the error
  moved["claim"]["b"][0] =
      to_string(Rational::parse(certificate["claim"]["b"][0].get<std::string>()) + error + error);
  CHECK_FALSE(check(moved.dump(), given.graph).accepted);
}

TEST_CASE("collapse folds batch normalisation into the layer before it") {
  const Normalised given;
  const Collapsed collapsed = collapse_explained(given.graph);
  REQUIRE_EQ(collapsed.sinks.size(), 1);
  CHECK(collapsed.sinks[0].multiplications_after == 6);
  CHECK(collapsed.sinks[0].certificates[0].kind == "affine-enclosure");
  CHECK(check(collapsed.sinks[0].certificates[0], given.graph).accepted);
  const Bindings x{{"x", Tensor::f32({2, 2}, {0.5F, -1, 3, 2})}};
  const Graph& after = collapsed.rewrite.graph;
  const Tensor y = evaluate(given.graph.value(given.graph.outputs()[0].node), x),
               z = evaluate(after.value(after.outputs()[0].node), x);
  // Each program rounds at most eight times numbers below 64 in f32.
  for (int64_t i = 0; i < y.count(); ++i) CHECK(std::abs(y.at(i) - z.at(i)) < 16 * 64 * 0x1p-24);
}

TEST_CASE("irrational constants that may be 0, or are used in another way, are refused with the reason") {
  const auto reason = [](const std::function<Value(const Value& x, const Value& c)>& use, float number) {
    Graph graph;
    const Value c = sqrt_op(graph.parameter("v", Tensor::f32({2}, {number, 2})));
    graph.output("y", use(graph.input("x", {"batch", 2}), c));
    return enclosed_form(graph, linearity(graph), graph.outputs()[0].node).reason;
  };
  CHECK(reason([](const Value& x, const Value& c) { return x * c; }, 3).empty());
  CHECK(reason([](const Value& x, const Value& c) { return x * c; }, -1) != "");
  const Op twice{.name = "twice", .doc = "x c c.", .body = [](Scalar x, Scalar c) { return x * c * c; }};
  CHECK(reason([&](const Value& x, const Value& c) { return twice(x, c); }, 3)
            .find("otherwise than as factor") != std::string::npos);
}
