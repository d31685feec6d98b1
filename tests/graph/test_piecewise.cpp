#include "graph/piecewise.h"

#include <doctest/doctest.h>

#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/files.h"

using namespace crease;

namespace {

Scalar argument() { return Scalar::argument(0); }

PiecewiseLinear table(const Scalar& body) {
  auto result = piecewise_linear(body);
  REQUIRE(result);
  return *result;
}

Scalar leaky(double slope) { return max(argument(), 0) + slope * min(argument(), 0); }

/// Bodies under the names that the oracle uses.
std::map<std::string, Scalar> bodies() {
  const Scalar x = argument();
  return {{"identity", x},
          {"relu", max(x, 0)},
          {"leaky_relu(1/4)", leaky(0.25)},
          {"prelu(2)", leaky(2)},
          {"prelu(-1/2)", leaky(-0.5)},
          {"prelu(0)", leaky(0)},
          {"abs", abs(x)},
          {"relu6", min(max(x, 0), 6)},
          {"hard_tanh", min(max(x, -1), 1)},
          {"hard_sigmoid(1/4,1/2)", min(max(x * 0.25 + 0.5, 0), 1)},
          {"step", select(x > 0, 1, 0)},
          {"constant", Scalar(0)},
          {"sigmoid", sigmoid(x)},
          {"tanh", tanh(x)},
          {"softplus", softplus(x)},
          {"elu(1)", select(x > 0, x, expm1(x))},
          {"selu-like elu(2)", select(x > 0, x, 2 * expm1(x))},
          {"silu", x * sigmoid(x)},
          {"gelu", 0.5 * x * (1 + erf(x * 0.70710678118654752))},
          {"relu_sq", max(x, 0) * max(x, 0)},
          {"square", x * x},
          {"exp", exp(x)},
          {"softsign", x / (1 + abs(x))},
          {"sin", sin(x)},
          {"log1p_abs_signed", select(x > 0, log1p(abs(x)), -log1p(abs(x)))}};
}

std::string bound(const std::optional<Rational>& end, const char* infinite) {
  return end ? to_string(*end) : infinite;
}

void check_facts(const nlohmann::json& facts, const PiecewiseLinear& f) {
  CHECK(is_convex(f) == facts["convex"].get<bool>());
  CHECK(is_concave(f) == facts["concave"].get<bool>());
  CHECK(to_string(monotonicity(f)) == facts["monotone"].get<std::string>());
  CHECK(to_string(parity(f)) == facts["parity"].get<std::string>());
  const auto degree = homogeneous_degree(f);
  CHECK(degree.has_value() == !facts["homogeneous_degree"].is_null());
  if (degree) CHECK(*degree == facts["homogeneous_degree"].get<int>());
  const auto constant = lipschitz(f);
  CHECK((constant ? to_string(*constant) : "inf") == facts["lipschitz"].get<std::string>());
  CHECK(bound(range(f).low, "-inf") == facts["range"][0].get<std::string>());
  CHECK(bound(range(f).high, "inf") == facts["range"][1].get<std::string>());
  CHECK(is_continuous(f) == (facts["smooth"] != "discontinuous"));
  if (!is_continuous(f)) return;
  REQUIRE(f.knots.size() == facts["kinks"].size());
  for (size_t i = 0; i < f.knots.size(); ++i) {
    const auto& kink = facts["kinks"][i];
    CHECK(to_string(f.knots[i].at) == kink["at"].get<std::string>());
    CHECK(to_string(f.slopes[i]) == kink["left"].get<std::string>());
    CHECK(to_string(f.slopes[i + 1]) == kink["right"].get<std::string>());
  }
}

/// A random body of one argument with dyadic constants.
Scalar random_body(std::mt19937& random, int depth) {
  const auto constant = [&] { return static_cast<int>(random() % 17) / 4.0 - 2; };
  if (depth == 0) return random() % 3 ? argument() : Scalar(constant());
  const Scalar a = random_body(random, depth - 1), b = random_body(random, depth - 1);
  switch (random() % 9) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return a * constant();
    case 3: return max(a, b);
    case 4: return min(a, b);
    case 5: return select(a < b, a, b + 1);
    case 6: return select(a <= 0 || !(b > 1), a, b);
    case 7: return abs(a) / 4;
    default: return floor(max(min(a, 2), -2)) + select(equal(a, b), 3, b);
  }
}

}  // namespace

TEST_CASE("tables of the oracle's activations have the oracle's facts") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  const auto oracle = nlohmann::json::parse(std::ifstream(*file));
  const auto known = bodies();
  int piecewise = 0;
  for (const auto& facts : oracle["activations"]) {
    const std::string name = facts["name"];
    CAPTURE(name);
    REQUIRE(known.contains(name));
    const auto f = piecewise_linear(known.at(name));
    if (!f) continue;
    ++piecewise;
    check_facts(facts, *f);
  }
  CHECK(piecewise == 12);
}

TEST_CASE("a jump, again and again, has a table while its pieces can be counted") {
  const auto sawteeth = [](int times) {
    Scalar y = argument();
    for (int k = 0; k < times; ++k) y = select(y > 0.5, 2 * y - 1, 2 * y);
    return y;
  };
  CHECK(table(sawteeth(8)).knots.size() == 255);
  CHECK_FALSE(piecewise_linear(sawteeth(40)));
  CHECK_FALSE(piecewise_linear(sawteeth(200)));
}

TEST_CASE("a long body of a thousand pieces has no table: its steps together have too many") {
  Scalar y = argument();
  for (int k = 0; k < 1000; ++k) y = y + max(argument() - k, 0);
  CHECK_FALSE(piecewise_linear(y));
}

TEST_CASE("a body that is not piecewise linear has no table") {
  const Scalar x = argument();
  for (const Scalar& body :
       {x * x, exp(x), tanh(x), 1 / x, floor(x), x * Scalar::argument(1), x + Scalar::index(0),
        max(x, 0) * max(x, 0), x + std::numeric_limits<double>::infinity()})
    CHECK_FALSE(piecewise_linear(body));
}

TEST_CASE("constants divide exactly: hard_sigmoid of x/6 + 1/2 has slope 1/6 and knots at -3 and 3") {
  const PiecewiseLinear f = table(min(max(argument() / 6 + 0.5, 0), 1));
  REQUIRE(f.knots.size() == 2);
  CHECK(f.slopes[1] == Rational(1, 6));
  CHECK(f.knots[0].at == Rational(-3));
  CHECK(f.knots[1].at == Rational(3));
  CHECK(to_string(f) == "0 for x < -3; 1/6*x+1/2 for x > -3; 1 for x > 3");
}

TEST_CASE("a step is a jump with its own value, and products with it stay piecewise linear") {
  const PiecewiseLinear sign = table(select(argument() > 0, 1, select(argument() < 0, -1, 0)));
  REQUIRE(sign.knots.size() == 1);
  CHECK(sign.knots[0] == Knot{0, -1, 0, 1});
  CHECK(sign.value(0) == Rational(0));
  CHECK(sign.limit(0, Side::Left) == Rational(-1));
  CHECK(parity(sign) == Parity::Odd);
  CHECK_FALSE(lipschitz(sign));
  CHECK(homogeneous_degree(sign) == 0);
  CHECK(table(argument() * select(argument() > 0, 1, 0)) == table(max(argument(), 0)));
  CHECK(to_string(table(select(argument() > 0, 1, 0))) == "0 for x < 0; 0 at 0; 1 for x > 0");
}

TEST_CASE("knots that cancel vanish: max(x,0) + min(x,0) is x") {
  const PiecewiseLinear f = table(max(argument(), 0) + min(argument(), 0));
  CHECK(is_affine(f));
  CHECK(f.slopes[0] == Rational(1));
  CHECK(is_affine(table(leaky(1))));
  CHECK(to_string(f) == "x");
}

TEST_CASE("floor of a bounded function is a staircase") {
  const PiecewiseLinear f = table(floor(min(max(argument() * 2, -3), 3)));
  CHECK(f.value(Rational(7, 5)) == Rational(2));
  CHECK(f.value(Rational(-1, 4)) == Rational(-1));
  CHECK(f.value(Rational(3, 2)) == Rational(3));
  CHECK(range(f) == RationalRange{Rational(-3), Rational(3)});
}

TEST_CASE("tables of random bodies have the value of the body, at their knots and between") {
  std::mt19937 random(7);
  for (int round = 0; round < 400; ++round) {
    const Scalar body = random_body(random, 3);
    CAPTURE(to_string(body));
    const auto f = piecewise_linear(body);
    if (!f) continue;
    std::vector<Rational> points{-5, 0, 5, Rational(3, 8)};
    for (const Knot& knot : f->knots) points.insert(points.end(), {knot.at, knot.at + Rational(1, 1024)});
    for (const Rational& x : points) {
      if (!x.is_dyadic() || x.numerator_bits() > 20) continue;
      const double at = x.to_double();
      CHECK(f->value(x).to_double() == evaluate(body, {.arguments = std::span(&at, 1)}));
    }
    for (size_t i = 0; i < f->knots.size(); ++i) {
      CHECK(f->limit(f->knots[i].at, Side::Left) == f->knots[i].left);
      CHECK(f->limit(f->knots[i].at, Side::Right) == f->knots[i].right);
      CHECK((f->knots[i].is_jump() || f->slopes[i] != f->slopes[i + 1]));
    }
  }
}
