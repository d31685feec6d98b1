#include "graph/analysis/decimals.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "graph/analysis/bounds/units.h"
#include "graph/analysis/check.h"
#include "graph/analysis/equivalence/box_equivalence.h"
#include "graph/analysis/equivalence/equivalence.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/path_norm.h"
#include "graph/analysis/regions.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"

using namespace crease;

namespace {

/// relu(w x).
Graph rectifier(double w) {
  Graph graph;
  graph.output("y", relu(graph.input("x", {1}, Type::f64) * w));
  return graph;
}

}  // namespace

TEST_CASE("decimals are rounded away from what they bound") {
  CHECK_EQ(at_most_text(1.00000036), "1.00001");
  CHECK_EQ(at_most_text(-1.00000036), "-1");
  CHECK_EQ(at_least_text(1.00000036), "1");
  CHECK_EQ(at_least_text(-1.00000036), "-1.00001");
  CHECK_EQ(at_most_text(-0.0), "0");
  CHECK_EQ(at_least_text(0.0), "0");
  CHECK_EQ(at_most_text(0.1), "0.1");
  CHECK_EQ(at_most_text(999999.9), "1e+06");
  CHECK_EQ(at_most_text(INFINITY), "inf");
  CHECK_EQ(at_least_text(-INFINITY), "-inf");
  CHECK_EQ(at_most_text(5e-324), "4.94066e-324");
  CHECK_EQ(at_most_text(0.0012343, 3), "0.00124");
  CHECK_EQ(at_least_text(0.0012347, 3), "0.00123");
  CHECK_EQ(at_most_text(Rational(1, 3)), "0.333334");
  CHECK_EQ(at_least_text(Rational(1, 3), 2), "0.33");
  CHECK_EQ(at_most_text(Rational(1) + Rational::dyadic(1, -80)), "1.00001");
  CHECK_EQ(at_most_text(Rational::dyadic(1, 2000)), "inf");
  // Next to a decimal, within what a double tells apart.
  const Rational little = Rational::dyadic(1, -80), exact = Rational(1, 8) + Rational(1, 100);  // 0.135
  CHECK_EQ(at_most_text(exact), "0.135");
  CHECK_EQ(at_least_text(exact), "0.135");
  CHECK_EQ(at_most_text(exact + little), "0.135001");
  CHECK_EQ(at_least_text(exact + little), "0.135");
  CHECK_EQ(at_most_text(exact - little), "0.135");
  CHECK_EQ(at_least_text(exact - little, 3), "0.134");
  CHECK_EQ(at_most_text(-exact + little, 3), "-0.134");
}

TEST_CASE("bounds are printed no tighter than they are proved") {
  const Graph graph = rectifier(1.00000036);
  CHECK_EQ(lipschitz_findings(graph).front().sentences.front(),
           "Lipschitz constant at most 1.00001 (maximum norm)");
  const Finding regions = region_findings(graph).front();
  CHECK_EQ(regions.sentences[2], "Lipschitz constant 1.00001, rounded up (maximum norm)");

  const BoxAnalysis box(graph, {.all = Interval{-1.00000036, 1.00000036}});
  const Finding units = unit_findings(box).front();
  CHECK_EQ(units.sentences[1], "y[0] in [-1.00001, 1.00001] undecided");

  const Graph other = rectifier(1.0012343);
  const BoxEquivalence found = box_equivalence(rectifier(1), other, {.all = Interval{0, 1}});
  REQUIRE(found.certificate);
  const CheckResult judged = check(found.certificate->json, rectifier(1), other);
  REQUIRE_MESSAGE(judged.accepted, judged.reason);
  CHECK_EQ(judged.reason, "outputs of both networks differ by at most 0.00124 on the box");
}

TEST_CASE("numbers that differ are printed so, in decimals where a fraction is long") {
  const std::pair<std::string, std::string> near{"0.3333333333", "0.3333333334"};
  const Rational third(1, 3), more = third + Rational(1, 10'000'000'000);
  CHECK(distinct_texts(third, more) == near);
  const std::pair<std::string, std::string> plain{"1.5", "-2"};
  CHECK(distinct_texts(Rational(3, 2), Rational(-2)) == plain);
  const Rational least = Rational::dyadic(1, -80);
  const auto [a, b] = distinct_texts(Rational(1), Rational(1) + least);
  CHECK(a == "1");
  CHECK(b == to_string(Rational(1) + least));
  CHECK_EQ(readable_text(Rational(-7, 3)), "-7/3");
  CHECK_EQ(readable_text(least), "8.27180613e-25");
}

TEST_CASE("numbers of regions beyond all digits are printed as the least power of two above") {
  Graph graph;
  Value h = graph.input("x", {1}, Type::f64);
  for (int layer = 0; layer < 1100; ++layer) h = abs(h);
  graph.output("y", h);
  const Finding finding = region_findings(graph).front();
  CHECK_EQ(finding.sentences.back().substr(0, 33), "at most 2^1100 activation regions");
}

TEST_CASE("a number between two is printed so that it is between them") {
  const Rational third = Rational(1, 3);
  CHECK_EQ(text_between(0, 1), "0.5");
  CHECK_EQ(text_between(third - Rational(1, 1'000'000'000'000), third), "0.333333333333");
  CHECK_EQ(text_between(third, third + Rational::dyadic(1, -100)).find('.'), std::string::npos);

  const auto network = [](double weight) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 1}, Type::f64);
    graph.output("y", exp(tanh(x) * graph.parameter("w", Tensor::f64({1}, {weight}))));
    return graph;
  };
  const Graph one = network(1), other = network(1 + 0x1p-46);
  const Equivalence found = equivalent(one, other);
  REQUIRE(found.certificate);
  const std::string told = check(found.certificate->json, one, other).reason;
  REQUIRE_EQ(told.substr(0, 14), "y is below 0.3");
  const Rational said = Rational::parse(told.substr(11, told.find(' ', 11) - 11));
  const Rational proved = Rational::parse(
      nlohmann::json::parse(found.certificate->json)["witness"]["between"].get<std::string>());
  CHECK((said - proved).abs() < Rational::dyadic(1, -46));
}
