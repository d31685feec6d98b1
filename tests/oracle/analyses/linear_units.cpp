// extra: layers without activation, the matrix that they conserve, and the rescaling formula of three layers.
#include "graph/analysis/linear_units.h"

#include "autodiff/reverse.h"
#include "graph/analysis/scaling_formula.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {
namespace {

using Matrix = std::vector<std::vector<Rational>>;

/// rows(a) rows(b)^T, for parameters with their units along the first axis, or the second if `turned`.
Matrix products(const ExactValues& a, const ExactValues& b, size_t units, bool turned) {
  Matrix result(units, std::vector<Rational>(units, 0));
  const size_t width = a.size() / units;
  const auto at = [&](const ExactValues& list, size_t unit, size_t k) {
    return list[turned ? k * units + unit : unit * width + k];
  };
  for (size_t i = 0; i < units; ++i)
    for (size_t j = 0; j < units; ++j)
      for (size_t k = 0; k < width; ++k) result[i][j] += at(a, i, k) * at(b, j, k);
  return result;
}

Matrix sum(Matrix a, const Matrix& b) {
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < a.size(); ++j) a[i][j] += b[i][j];
  return a;
}

/// dL/dW1 W1^T + dL/db1 b1^T = W2^T dL/dW2 for L = 1/2 sum of squares of the outputs.
bool identity_holds(const Network& network, const LinearUnits& layer, const Json& point) {
  Graph graph = network.built.graph;
  Value loss = graph.constant(0.0);
  for (const Output& output : graph.outputs()) {
    const Value y = graph.value(output.node);
    loss = loss + crease::sum(y * y) * 0.5;
  }
  const std::vector<NodeId> ids{layer.incoming, layer.bias, layer.outgoing};
  std::vector<Value> parameters;
  for (const NodeId id : ids) parameters.push_back(graph.value(id));
  std::vector<NodeId> wanted = ids;
  for (const Value& gradient : grad(loss, parameters)) wanted.push_back(gradient.id());
  const auto values = evaluate_exactly(graph, network.inputs_at(point), wanted);
  if (!values) return false;
  const auto pair = [&](size_t k, bool turned, bool gradient_first) {
    const ExactValues &value = values->at(wanted[k]), &gradient = values->at(wanted[k + 3]);
    return gradient_first ? products(gradient, value, static_cast<size_t>(layer.units), turned)
                          : products(value, gradient, static_cast<size_t>(layer.units), turned);
  };
  return sum(pair(0, layer.incoming_axis == 1, true), pair(1, false, true)) ==
         pair(2, layer.outgoing_axis == 1, false);
}

Rational power(const Rational& base, const Rational& exponent) {
  Rational result = 1;
  for (int64_t i = 0; i < static_cast<int64_t>(exponent.abs().to_double()); ++i) result *= base;
  return exponent.sign() < 0 ? Rational(1) / result : result;
}

/// The product of powers of the factors that a form stands for.
Rational factor(const LinearForm<Rational>& form, const std::vector<Rational>& alpha) {
  Rational result = 1;
  for (const auto& [k, exponent] : form) result *= power(alpha[static_cast<size_t>(k)], exponent);
  return result;
}

/// The network with every parameter divided as the formula says.
Graph divided(const Graph& graph, const ScalingFormula& formula, const std::vector<Rational>& alpha) {
  Graph result = graph;
  const std::vector<NodeId> parameters = graph.parameters();
  for (size_t p = 0; p < parameters.size(); ++p) {
    Tensor value = graph.node(parameters[p]).value;
    const Rational divisor = factor(formula.parameters[p], alpha);
    for (int64_t i = 0; i < value.count(); ++i)
      value.set(i, (Rational::of(value.at(i)) / divisor).to_double());
    result.set_parameter(graph.node(parameters[p]).name, value);
  }
  return result;
}

void check_factors(const Json& expected, const Network& network, Outcome& outcome) {
  const Graph& graph = network.built.graph;
  const ScalingFormula formula = scaling_formula(graph);
  const std::vector<Rational> alpha = numbers(expected.at("alpha"));
  if (!outcome.check(formula.leaders.size() == alpha.size(), "{} factors, want {}", formula.leaders.size(),
                     alpha.size()))
    return;
  const Rational product = factor(formula.outputs[0], alpha);
  outcome.check(product == number(expected.at("product")), "the product is {}", to_string(product));
  bool positive = true;
  for (const auto& form : formula.positive) {
    Rational sign = 1;
    for (const auto& [k, odd] : form) sign *= alpha[static_cast<size_t>(k)];
    positive = positive && sign.sign() > 0;
  }
  outcome.check(positive == expected.at("hidden_prefix_products_positive").get<bool>(),
                "hidden products are positive: {}", positive);
  const Graph other = divided(graph, formula, alpha);
  bool holds = true;
  for (const Json& point : expected.at("points")) {
    const auto inputs = network.inputs_at(point.at("x"));
    const Rational s = network.outputs_at(graph, inputs)->at(0),
                   got = network.outputs_at(other, inputs)->at(0);
    outcome.check(s == number(point.at("s")), "the output is {}", to_string(s));
    outcome.check(got == number(point.at("rescaled_output")), "the rescaled output is {}", to_string(got));
    const bool equal = got * product == s;
    outcome.check(equal == point.at("equals_s_over_product").get<bool>(), "equal: {}", equal);
    holds = holds && equal;
  }
  outcome.check(holds == expected.at("identity_holds_on_data").get<bool>(), "the identity holds: {}", holds);
}

}  // namespace

void check_linear_units(const Json& expected, const Network& network, Outcome& outcome) {
  const std::vector<LinearUnits> layers = linear_units(network.built.graph);
  outcome.check(layers.size() == expected.size(), "{} layers, want {}", layers.size(), expected.size());
  for (size_t k = 0; k < std::min(layers.size(), expected.size()); ++k) {
    const Json& want = expected.at(k);
    const std::string name = network.name(layers[k].tensor);
    outcome.check(name == want.at("tensor") && layers[k].units == want.at("n") &&
                      layers[k].dimension() == want.at("gl_dim"),
                  "{} has {} units, want {}", name, layers[k].units, want.dump());
    outcome.check(layers[k].dimension_with_translation() ==
                      want.value("with_translation_dim", want.at("gl_dim").get<int64_t>()),
                  "{} has {} dimensions with translations, want {}", name,
                  layers[k].dimension_with_translation(), want.dump());
  }
}

void check_conserved_matrix(const Json& expected, const Network& network, Outcome& outcome) {
  const std::vector<LinearUnits> layers = linear_units(network.built.graph);
  if (!outcome.check(layers.size() == 1 && layers[0].bias >= 0, "{} layers, want 1 with a bias",
                     layers.size()))
    return;
  Matrix want;
  for (const Json& row : expected.at("value")) want.push_back(numbers(row));
  outcome.check(conserved_matrix(network.built.graph, layers[0]) == want, "the matrix differs");
  for (const Json& point : network.json.at("data"))
    outcome.check(identity_holds(network, layers[0], point), "the identity of gradients fails at {}",
                  point.dump());
}

void check_seed_formula(const Json& expected, const Network& network, Outcome& outcome) {
  for (const Json& factors : expected) check_factors(factors, network, outcome);
}

}  // namespace crease::oracle
