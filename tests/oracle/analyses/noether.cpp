// "gradient_and_noether": gradients of 1/2 sum of outputs^2, what the group says about them, and the
// conserved quantities, all exactly where the network has rational values.
#include <cmath>

#include "autodiff/reverse.h"
#include "graph/analysis/conserved.h"
#include "graph/analysis/exact.h"
#include "graph/evaluate.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {
namespace {

/// A network with its loss and the gradients of its parameters.
struct Differentiated {
  explicit Differentiated(const Network& network) : graph(network.built.graph) {
    std::optional<Value> total;
    for (const Output& output : graph.outputs()) {
      const Value part = sum(square(graph.value(output.node)));
      total = total ? *total + part : part;
    }
    loss = 0.5 * *total;
    for (const std::string& name : network.built.parameters) parameters.push_back(graph.find(name));
    gradients = grad(loss, parameters);
  }
  Graph graph;
  Value loss;
  std::vector<Value> parameters, gradients;
};

bool close(double got, const Rational& want) {
  return std::abs(got - want.to_double()) <= 1e-5 * std::max(1.0, std::abs(want.to_double()));
}

void check_exactly(const Json& expected, const Differentiated& net,
                   const std::map<NodeId, ExactValues>& values, Outcome& outcome) {
  outcome.check(values.at(net.loss.id()).at(0) == number(expected.at("loss")), "the loss differs");
  for (size_t k = 0; k < net.parameters.size(); ++k) {
    const std::string& name = net.parameters[k].node().name;
    if (!expected.at("grads").contains(name)) continue;
    outcome.check(values.at(net.gradients[k].id()) == numbers(expected.at("grads").at(name)),
                  "the gradient of {} differs", name);
  }
}

void check_nearly(const Json& expected, const Differentiated& net, const Bindings& at, Outcome& outcome) {
  outcome.check(close(evaluate(net.graph, at, {&net.loss, 1})[0].item(), number(expected.at("loss"))),
                "the loss differs");
  const std::vector<Tensor> gradients = evaluate(net.graph, at, net.gradients);
  for (size_t k = 0; k < gradients.size(); ++k) {
    const std::string& name = net.parameters[k].node().name;
    if (!expected.at("grads").contains(name)) continue;
    const std::vector<Rational> want = numbers(expected.at("grads").at(name));
    for (size_t i = 0; i < want.size(); ++i)
      outcome.check(close(gradients[k].at(static_cast<int64_t>(i)), want[i]), "the gradient of {} differs",
                    name);
  }
}

/// Q = 1/2 sum E theta^2, and its change 1/2 sum E g^2, along the directions that the file lists.
void check_conserved(const Json& expected, const Network& network,
                     const std::map<std::string, Tensor>& gradients, Outcome& outcome) {
  const Json& basis = network.json.at("expected").at("symmetry").at("invariance").at("basis");
  for (size_t k = 0; k < expected.at("conserved").size(); ++k) {
    Rational quantity, drift, noether;
    for (const auto& [name, entries] : basis.at(k).at("params").items()) {
      const Tensor& theta = network.built.graph.find(name).node().value;
      // Those of statistics, which the file does not list, are computed.
      const std::vector<Rational> gradient = expected.at("grads").contains(name)
                                                 ? numbers(expected.at("grads").at(name))
                                                 : exact_values(gradients.at(name)).value();
      for (const auto& [entry, exponent] : entries.items()) {
        const auto i = static_cast<size_t>(std::stoll(entry));
        const Rational e(exponent.get<int64_t>()), value = Rational::of(theta.at(static_cast<int64_t>(i)));
        quantity += e * value * value / 2;
        drift += e * gradient.at(i) * gradient.at(i) / 2;
        noether += e * value * gradient.at(i);
      }
    }
    const Json& want = expected.at("conserved")[k];
    outcome.check(quantity == number(want.at("Q")), "Q of direction {} is {}", k, to_string(quantity));
    outcome.check(drift == number(want.at("dQ_over_eta2")), "the drift of direction {} is {}", k,
                  to_string(drift));
    outcome.check(noether.is_zero(), "the Noether sum of direction {} is {}", k, to_string(noether));
  }
}

void check_sample(const Json& expected, const Network& network, const Differentiated& net, Outcome& outcome) {
  for (const auto& [key, value] : expected.items())
    outcome.check(key == "x" || key == "loss" || key == "grads" || key == "grad_sq" || key == "conserved",
                  "field '{}' is not known", key);
  const auto inputs = network.inputs_at(expected.at("x"));
  std::vector<NodeId> wanted{net.loss.id()};
  for (const Value& gradient : net.gradients) wanted.push_back(gradient.id());
  Bindings at;
  for (const auto& [input, point] : inputs) {
    Tensor x(net.graph.node(input).type, sizes_of(net.graph.node(input).shape));
    for (size_t i = 0; i < point.size(); ++i) x.set(static_cast<int64_t>(i), point[i].to_double());
    at.emplace(net.graph.node(input).name, x);
  }
  if (const auto values = evaluate_exactly(net.graph, inputs, wanted))
    check_exactly(expected, net, *values, outcome);
  else
    check_nearly(expected, net, at, outcome);
  for (const auto& [name, square] : expected.at("grad_sq").items()) {
    Rational total;
    for (const Rational& entry : numbers(expected.at("grads").at(name))) total += entry * entry;
    outcome.check(total == number(square), "grad_sq of {} is {}", name, to_string(total));
  }
  std::map<std::string, Tensor> gradients;
  const std::vector<Tensor> computed = evaluate(net.graph, at, net.gradients);
  for (size_t k = 0; k < computed.size(); ++k) gradients[net.parameters[k].node().name] = computed[k];
  check_conserved(expected, network, gradients, outcome);
  const double off = worst(noether_sums(network.built.graph, scaling_group(network.built.graph), gradients));
  outcome.check(off <= 1e-5, "a Noether sum of crease's own group is {} of its terms", off);
}

}  // namespace

void check_noether(const Json& expected, const Network& network, Outcome& outcome) {
  const Differentiated net(network);
  for (const Json& sample : expected) check_sample(sample, network, net, outcome);
}

}  // namespace crease::oracle
