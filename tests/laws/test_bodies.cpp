// Laws of scalar bodies over the whole catalogue.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "tests/laws/subjects.h"

using namespace crease;
using namespace crease::laws;

namespace {

constexpr double step = 0x1p-20;

/// Error of a one-sided difference: truncation h |f''| / 2, twice over for the change of f'' within h, and
/// rounding 2 eps |f| / h with |f| <= 64.
double tolerance(double curvature) { return step * (std::abs(curvature) + 1) + 2 * 0x1p-52 * 64 / step; }

/// Elementwise over numbers: truth values have no directions.
bool is_elementwise_body(const CatalogRow& row) {
  return row.op.loops.empty() && row.op.type == ResultType::Promoted;
}

bool is_continuous_at(const Scalar& body, double x) {
  const double here = at(body, x);
  return std::abs(at(body, x - step) - here) < 0.01 && std::abs(at(body, x + step) - here) < 0.01;
}

double backward(const Scalar& body, double x) { return (at(body, x) - at(body, x - step)) / step; }
double forward(const Scalar& body, double x) { return (at(body, x + step) - at(body, x)) / step; }

/// The body as a function of argument p alone, the others fixed.
Scalar section(const Scalar& body, int p, std::span<const double> point) {
  std::vector<Scalar> arguments;
  for (size_t i = 0; i < point.size(); ++i)
    arguments.push_back(static_cast<int>(i) == p ? Scalar::argument(0) : Scalar(point[i]));
  return substitute(body, arguments);
}

/// Points of as many arguments as a body has: irregular ones, and such where arguments meet.
std::vector<std::vector<double>> points_of(int arity) {
  std::vector<std::vector<double>> points;
  for (int i = 0; i < 12; ++i) {
    std::vector<double> point, tied;
    for (int k = 0; k < arity; ++k) {
      point.push_back(2.4 * std::sin(12.9898 * (i * 3 + k) + 1));
      tied.push_back((i % 5 - 2) / 2.0);
    }
    points.push_back(point);
    points.push_back(tied);
  }
  return points;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

TEST_CASE("one-sided slopes are the limits of one-sided differences, at every kink") {
  int kinks = 0;
  for (const CatalogRow& row : catalog()) {
    if (!is_elementwise_body(row) || row.op.body.arity != 1) continue;
    const Scalar& body = row.op.body.expression;
    for (const double x : kinks_of(body)) {
      CAPTURE(row.name);
      CAPTURE(x);
      const double left = at(slope(body, 0, Side::Left), x), right = at(slope(body, 0, Side::Right), x);
      if (is_continuous_at(body, x)) {
        const auto curvature = [&](Side side) { return at(slope(slope(body, 0, side), 0, side), x); };
        CHECK(std::abs(left - backward(body, x)) < tolerance(curvature(Side::Left)));
        CHECK(std::abs(right - forward(body, x)) < tolerance(curvature(Side::Right)));
        kinks += left != right ? 1 : 0;
      } else {
        CHECK(left == 0);
        CHECK(right == 0);
      }
    }
  }
  CHECK(kinks >= 13);  // relu, leaky, relu6, abs, selu, clip, hard_swish, hard_sigmoid, hard_tanh
}

TEST_CASE("slopes in each argument are those of the section along it") {
  for (const CatalogRow& row : catalog()) {
    if (!is_elementwise_body(row)) continue;
    const Scalar& body = row.op.body.expression;
    const int arity = row.op.body.arity;
    for (const std::vector<double>& point : points_of(arity)) {
      for (int p = 0; p < arity; ++p) {
        CAPTURE(row.name);
        CAPTURE(point[0]);
        CAPTURE(p);
        const Scalar along = section(body, p, point);
        const double x = point[static_cast<size_t>(p)];
        if (!std::isfinite(at(along, x)) || !is_continuous_at(along, x)) continue;
        const uint64_t others = ~(uint64_t{1} << p);
        const auto value = [&](Side side) {
          return evaluate(slope(body, p, side, others), {.arguments = point});
        };
        if (!std::isfinite(value(Side::Right))) {
          CHECK(forward(along, x) > 0.5 / std::sqrt(step));  // a square root at 0
          continue;
        }
        const auto curvature = [&](Side side) {
          return evaluate(slope(slope(body, p, side, others), p, side, others), {.arguments = point});
        };
        if (std::isfinite(at(along, x - step)))
          CHECK(std::abs(value(Side::Left) - backward(along, x)) < tolerance(curvature(Side::Left)));
        CHECK(std::abs(value(Side::Right) - forward(along, x)) < tolerance(curvature(Side::Right)));
      }
    }
  }
}

TEST_CASE("a tie selects between the one-sided slopes, as its table says") {
  for (const CatalogRow& row : catalog()) {
    if (!is_elementwise_body(row) || row.op.body.arity != 1) continue;
    const Scalar& body = row.op.body.expression;
    for (const double x : kinks_of(body)) {
      CAPTURE(row.name);
      CAPTURE(x);
      const double left = at(slope(body, 0, Side::Left), x), right = at(slope(body, 0, Side::Right), x);
      CHECK(at(slope(body, 0, Tie::left), x) == left);
      CHECK(at(slope(body, 0, Tie::right), x) == right);
      CHECK(at(slope(body, 0, Tie::mid), x) == (left + right) / 2);
      CHECK(std::abs(at(slope(body, 0, Tie::value(0.25)), x) - (0.75 * left + 0.25 * right)) <= 0x1p-51);
      const double least = std::clamp(0.0, std::min(left, right), std::max(left, right));
      CHECK(at(slope(body, 0, Tie::min_norm), x) == least);
    }
  }
}

TEST_CASE("directional derivatives are the limits of differences along any direction, at kinks too") {
  for (const CatalogRow& row : catalog()) {
    if (!is_elementwise_body(row)) continue;
    const Scalar& body = row.op.body.expression;
    const int arity = row.op.body.arity;
    const Scalar derivative = directional(body, arity);
    int turn = 0;
    for (const std::vector<double>& point : points_of(arity)) {
      std::vector<double> both = point, ahead = point;
      for (int k = 0; k < arity; ++k, ++turn) {
        const bool condition = row.name == "where" && k == 0;  // a truth value does not move
        const double d = condition ? 0 : (turn * 5 % 9 - 4) / 4.0;
        both.push_back(d);
        ahead[static_cast<size_t>(k)] += step * d;
      }
      CAPTURE(row.name);
      CAPTURE(point[0]);
      CAPTURE(both[static_cast<size_t>(arity)]);
      const double here = evaluate(body, {.arguments = point}), there = evaluate(body, {.arguments = ahead});
      const double claimed = evaluate(derivative, {.arguments = both});
      if (!std::isfinite(here) || !std::isfinite(there) || std::abs(there - here) > 0.01) continue;  // jumps
      if (!std::isfinite(claimed)) continue;
      // The body along the line x + t d, as a function of t.
      std::vector<Scalar> line;
      for (int k = 0; k < arity; ++k)
        line.push_back(Scalar(point[static_cast<size_t>(k)]) +
                       Scalar::argument(0) * both[static_cast<size_t>(arity + k)]);
      const Scalar along = substitute(body, line);
      const double curvature = at(slope(slope(along, 0, Side::Right), 0, Side::Right), 0);
      CHECK(std::abs(claimed - (there - here) / step) < tolerance(curvature));
    }
  }
}

TEST_CASE("bodies, slopes and directional derivatives print and read back to the same node") {
  for (const CatalogRow& row : catalog()) {
    const Scalar& body = row.op.body.expression;
    CAPTURE(row.name);
    CHECK(parse_scalar(to_string(body)).same(body));
    const Scalar derivative = directional(body, row.op.body.arity);
    CHECK(parse_scalar(to_string(derivative)).same(derivative));
    for (int p = 0; p < row.op.body.arity; ++p) {
      for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::value(0.3), Tie::min_norm}) {
        const Scalar selected = slope(body, p, tie);
        CHECK(parse_scalar(to_string(selected)).same(selected));
        for (int q = 0; q < row.op.body.arity; ++q) {
          const Scalar second = slope(selected, q, tie);
          CHECK(parse_scalar(to_string(second)).same(second));
        }
      }
    }
  }
}

TEST_CASE("single precision stays within the rounding of its operations") {
  for (const CatalogRow& row : catalog()) {
    if (!is_elementwise_body(row)) continue;
    const Scalar& body = row.op.body.expression;
    for (std::vector<double> point : points_of(row.op.body.arity)) {
      for (double& x : point) x = static_cast<double>(static_cast<float>(x));
      int operations = 0;
      double greatest = 1;  // of all intermediate values
      rewrite(body, [&](const Scalar& node, std::span<const Scalar>) {
        ++operations;
        const double value = evaluate(node, {.arguments = point});
        if (std::isfinite(value)) greatest = std::max(greatest, std::abs(value));
        return node;
      });
      const double wide = evaluate(body, {.arguments = point}),
                   narrow = evaluate_f32(body, {.arguments = point});
      CAPTURE(row.name);
      CAPTURE(point[0]);
      // Each operation rounds by at most eps * greatest and passes errors on by at most a factor `greatest`
      // (products, quotients, exp).
      const double bound = operations * 0x1p-24 * greatest * greatest;
      CHECK((same(wide, narrow) || std::abs(wide - narrow) <= bound));
    }
  }
}
