#include "graph/analysis/bounds/curve.h"

#include <doctest/doctest.h>

#include <random>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/catalog.h"

using namespace crease;

namespace {

double value_at(const Scalar& body, double x) { return evaluate(body, {.arguments = std::span(&x, 1)}); }

/// What double arithmetic of the body itself can be wrong by.
double slack(double value) { return 1e-12 * (1 + std::abs(value)); }

}  // namespace

TEST_CASE("ranges and lines of every activation hold on random intervals") {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> place(-6, 6), share(0, 1);
  for (const CatalogRow& row : catalog()) {
    const Scalar& body = row.op.body.expression;
    if (row.op.body.arity != 1 || row.op.combine != Combine::Assign || !row.op.loops.empty()) continue;
    CAPTURE(row.name);
    ScalarCurve curve(body);
    for (int trial = 0; trial < 40; ++trial) {
      const double a = place(random), b = trial % 4 == 0 ? a : place(random);
      const Interval x{std::min(a, b), std::max(a, b)};
      const Interval range = curve.range(x);
      for (const double where : {0.001, 0.5, 0.999}) {
        const Lines lines = curve.lines(x, where);
        for (int sample = 0; sample < 20; ++sample) {
          const double t = x.low + share(random) * (x.high - x.low), y = value_at(body, t);
          if (std::isnan(y)) continue;
          CAPTURE(t);
          CAPTURE(y);
          CHECK(range.low <= y + slack(y));
          CHECK(range.high >= y - slack(y));
          CHECK(lines.lower_slope * t + lines.lower_offset <= y + slack(y));
          CHECK(lines.upper_slope * t + lines.upper_offset >= y - slack(y));
        }
      }
    }
  }
}

TEST_CASE("relu has the lines of CROWN") {
  ScalarCurve curve(relu.body.expression);
  const Lines wide = curve.lines({-1, 3});
  CHECK(wide.upper_slope == 0.75);
  CHECK(wide.upper_offset == 0.75);
  CHECK(wide.lower_slope == 1);
  CHECK(wide.lower_offset == 0);
  CHECK(curve.lines({-3, 1}).lower_slope == 0);
  CHECK(curve.lines({-2, 2}).lower_slope == 0);  // u = -l
}

TEST_CASE("ends that are exact in double stay exact") {
  CHECK(Interval::point(0.5) + Interval::point(0.25) == Interval::point(0.75));
  CHECK(Interval{0, 3} * Interval::point(0.5) == Interval{0, 1.5});
  const Interval third = Interval::point(1) / Interval::point(3);
  CHECK(third.low < third.high);
  CHECK(Rational::of(third.low) < Rational(1, 3));
  CHECK(Rational(1, 3) < Rational::of(third.high));
  CHECK(enclose(Rational(1, 4)) == Interval::point(0.25));
}

TEST_CASE("tenths are summed outward") {
  Interval sum = Interval::point(0);
  Rational exact = 0;
  for (int k = 0; k < 1000; ++k) {
    sum = sum + Interval::point(0.1);
    exact += Rational::of(0.1);
  }
  CHECK(Rational::of(sum.low) <= exact);
  CHECK(exact <= Rational::of(sum.high));
  CHECK(sum.high - sum.low < 1e-9);
}

TEST_CASE("what may leave its domain is everything") {
  const Interval around{-1, 1};
  CHECK(apply(ScalarKind::Sqrt, &around) == Interval{});
  CHECK(apply(ScalarKind::Log, &around).low == -kInfinity);
  CHECK(Interval::point(1) / around == Interval{});
  CHECK(ScalarCurve(Scalar::argument(0) * Scalar::argument(0)).range(around) == Interval{0, 1});
}

TEST_CASE("curves of bodies with two arguments are an error that shows the body") {
  const Scalar body = Scalar::argument(0) * Scalar::argument(1);
  const std::string message = "[curve] wants a body of one argument, got " + to_string(body);
  CHECK_THROWS_WITH_AS(ScalarCurve{body}, message.c_str(), Error);
}
