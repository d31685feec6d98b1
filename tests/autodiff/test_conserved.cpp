#include "graph/analysis/conserved.h"

#include <doctest/doctest.h>

#include <random>

#include "autodiff/reverse.h"
#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"

using namespace crease;

namespace {

struct Net {
  Graph graph;
  Value loss;
  std::vector<Value> weights;

  std::map<std::string, Tensor> gradients(const Bindings& at) const {
    const std::vector<Value> values = grad(loss, weights);
    const std::vector<Tensor> tensors = evaluate(graph, at, values);
    std::map<std::string, Tensor> result;
    for (size_t k = 0; k < weights.size(); ++k) result[weights[k].node().name] = tensors[k];
    return result;
  }
};

Tensor noise(std::vector<int64_t> sizes, uint64_t seed) {
  Tensor tensor(Type::f64, std::move(sizes));
  std::mt19937_64 random(seed);
  for (int64_t k = 0; k < tensor.count(); ++k) tensor.set(k, static_cast<double>(random() % 2001) / 1000 - 1);
  return tensor;
}

Net perceptron() {
  Net net;
  const Value x = net.graph.input("x", {"batch", 4}, Type::f64);
  net.weights = {net.graph.parameter("w1", noise({4, 5}, 1)), net.graph.parameter("b1", noise({5}, 2)),
                 net.graph.parameter("w2", noise({5, 3}, 3))};
  const Value y = matmul(relu(matmul(x, net.weights[0]) + net.weights[1]), net.weights[2]);
  net.graph.output("y", y);
  net.loss = sum(square(y));
  return net;
}

}  // namespace

TEST_CASE("Noether sums of a right gradient vanish, those of a wrong one do not") {
  const Net net = perceptron();
  const ScalingGroup group = scaling_group(net.graph);
  CHECK_EQ(group.dimension(), 5);
  const Bindings at{{"x", noise({7, 4}, 4)}};
  auto gradients = net.gradients(at);
  CHECK_LT(worst(noether_sums(net.graph, group, gradients)), 1e-13);
  gradients.at("w1").set(3, gradients.at("w1").at(3) + 0.5);
  CHECK_GT(worst(noether_sums(net.graph, group, gradients)), 1e-3);
  gradients["w1"] = noise({2, 2}, 1);
  CHECK_THROWS_AS(noether_sums(net.graph, group, gradients), Error);
}

TEST_CASE("a step of gradient descent changes the conserved quantities by the drift, of second order") {
  Net net = perceptron();
  const ScalingGroup group = scaling_group(net.graph);
  const Bindings at{{"x", noise({7, 4}, 4)}};
  const auto gradients = net.gradients(at);
  const auto before = conserved_quantities(net.graph, group);
  const auto drift = conserved_drift(net.graph, group, gradients);
  for (const double rate : {1e-2, 1e-3}) {
    Net next = perceptron();
    for (const auto& [name, gradient] : gradients) {
      Tensor value = next.graph.find(name).node().value;
      for (int64_t k = 0; k < value.count(); ++k) value.set(k, value.at(k) - rate * gradient.at(k));
      next.graph.set_parameter(name, value);
    }
    const auto after = conserved_quantities(next.graph, group);
    for (size_t k = 0; k < before.size(); ++k)
      CHECK_EQ(after[k].sum, doctest::Approx(before[k].sum + rate * rate * drift[k].sum).epsilon(1e-12));
  }
}
