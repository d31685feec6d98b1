// "activations": what a body of one argument is.
#include <cmath>
#include <map>

#include "graph/analysis/activation_facts.h"
#include "graph/analysis/saturation.h"
#include "graph/analysis/scaling_law.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/rational.h"
#include "tests/oracle/analyses/field.h"

namespace crease::oracle {
namespace {

void check_left(const Json& expected, const Scalar& body, Outcome& outcome) {
  const auto got = to_string(saturation(body).left);
  outcome.check(got == expected.get<std::string>(), "got {}", got);
}
void check_right(const Json& expected, const Scalar& body, Outcome& outcome) {
  const auto got = to_string(saturation(body).right);
  outcome.check(got == expected.get<std::string>(), "got {}", got);
}
void check_saturating(const Json& expected, const Scalar& body, Outcome& outcome) {
  outcome.check(is_saturating(saturation(body)) == expected, "got {}", is_saturating(saturation(body)));
}
void check_kind(const Json& expected, const Scalar& body, Outcome& outcome) {
  const auto got = kind_of(saturation(body));
  outcome.check(got == expected.get<std::string>(), "got {}", got);
}
void check_homogeneous(const Json& expected, const Scalar& body, Outcome& outcome) {
  const auto degree = homogeneous_degree(body);
  outcome.check(degree.has_value() == expected.is_number(), "{}", degree ? "has a degree" : "has none");
  if (degree && expected.is_number())
    outcome.check(*degree == Rational(expected.get<int64_t>()), "degree {}", to_string(*degree));
}

/// A number of the file, "inf" and "-inf" included, or nothing where the file does not say.
std::optional<double> bound(const Json& text) {
  if (text.is_null()) return {};
  if (text == "inf") return INFINITY;
  if (text == "-inf") return -INFINITY;
  return number(text).to_double();
}

void check_number(double got, const Json& expected, Outcome& outcome) {
  const auto want = bound(expected);
  const bool close = !want || got == *want || std::abs(got - *want) <= 1e-9;
  outcome.check(close, "got {}, want {}", got, expected.dump());
}

void check_convex(const Json& expected, const Scalar& body, Outcome& outcome) {
  outcome.check(activation_facts(body).convex == expected, "want {}", expected.dump());
}
void check_concave(const Json& expected, const Scalar& body, Outcome& outcome) {
  outcome.check(activation_facts(body).concave == expected, "want {}", expected.dump());
}
void check_monotone(const Json& expected, const Scalar& body, Outcome& outcome) {
  const auto got = to_string(activation_facts(body).monotone);
  outcome.check(got == expected.get<std::string>(), "got {}, want {}", got, expected.dump());
}
void check_parity(const Json& expected, const Scalar& body, Outcome& outcome) {
  const auto got = to_string(activation_facts(body).parity);
  outcome.check(got == expected.get<std::string>(), "got {}, want {}", got, expected.dump());
}
void check_smooth(const Json& expected, const Scalar& body, Outcome& outcome) {
  const auto got = to_string(activation_facts(body).smoothness);
  outcome.check(got == expected.get<std::string>(), "got {}, want {}", got, expected.dump());
}
void check_lipschitz(const Json& expected, const Scalar& body, Outcome& outcome) {
  check_number(activation_facts(body).lipschitz, expected, outcome);
}
void check_range(const Json& expected, const Scalar& body, Outcome& outcome) {
  if (expected.is_null()) return;
  check_number(activation_facts(body).low, expected.at(0), outcome);
  check_number(activation_facts(body).high, expected.at(1), outcome);
}
void check_kinks(const Json& expected, const Scalar& body, Outcome& outcome) {
  const std::vector<SlopeBreak> kinks = activation_facts(body).kinks;
  if (!outcome.check(kinks.size() == expected.size(), "{} kinks, want {}", kinks.size(), expected.size()))
    return;
  for (size_t k = 0; k < kinks.size(); ++k) {
    check_number(kinks[k].at, expected[k].at("at"), outcome);
    check_number(kinks[k].left, expected[k].at("left"), outcome);
    check_number(kinks[k].right, expected[k].at("right"), outcome);
  }
}
void check_flat(const Json& expected, const Scalar& body, Outcome& outcome) {
  outcome.check(activation_facts(body).flat == expected, "want {}", expected.dump());
}

}  // namespace

std::span<const ActivationField> activation_fields() {
  static constexpr ActivationField rows[] = {
      {"left", check_left},
      {"right", check_right},
      {"saturating", check_saturating},
      {"kind", check_kind},
      {"homogeneous_degree", check_homogeneous},
      {"convex", check_convex},
      {"concave", check_concave},
      {"monotone", check_monotone},
      {"parity", check_parity},
      {"smooth", check_smooth},
      {"lipschitz", check_lipschitz},
      {"range", check_range},
      {"kinks", check_kinks},
      {"derivative_zero_everywhere_defined", check_flat},
  };
  return rows;
}

Scalar activation_body(const std::string& name) {
  const Scalar x = Scalar::argument(0);
  const std::map<std::string, Scalar> bodies{
      {"identity", x},
      {"relu", relu.body.expression},
      {"abs", abs(x)},
      {"relu6", relu6.body.expression},
      {"hard_tanh", hard_tanh.body.expression},
      {"step", step.body.expression},
      {"sigmoid", sigmoid(x)},
      {"tanh", tanh(x)},
      {"softplus", softplus(x)},
      {"silu", silu.body.expression},
      {"gelu", gelu.body.expression},
      {"relu_sq", squared_relu.body.expression},
      {"square", x * x},
      {"exp", exp(x)},
      {"softsign", soft_sign.body.expression},
      {"sin", sin(x)},
      {"constant", Scalar(0.0)},
      {"log1p_abs_signed", select(x > 0, log1p(abs(x)), -log1p(abs(x)))},
  };
  if (const auto found = bodies.find(name); found != bodies.end()) return found->second;
  // name(a), name(a,b)
  const size_t open = name.find('('), comma = name.find(',');
  expect(open != name.npos && name.ends_with(')'), "[oracle] the activation '{}' is not known", name);
  const std::string word = name.substr(0, open);
  const auto argument = [&](size_t from, size_t to) {
    return Rational::parse(name.substr(from, to - from)).to_double();
  };
  const size_t end = name.size() - 1;
  const double a = argument(open + 1, std::min(comma, end));
  if (word == "leaky_relu" || word == "prelu") return leaky_relu(a).body.expression;
  if (word == "elu" || word == "selu-like elu") return select(x > 0, x, a * expm1(x));
  expect(word == "hard_sigmoid" && comma != name.npos, "[oracle] the activation '{}' is not known", name);
  return min(max(a * x + argument(comma + 1, end), 0), 1);
}

}  // namespace crease::oracle
