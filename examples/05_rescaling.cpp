// A network of rectifiers does not change when layer i's weights are divided by a_i > 0 and its biases by
// a_1 ... a_i, if a_1 ... a_L = 1. With powers of two not a single bit of the output changes. For any factors
// the output is divided by their product.
#include <crease/crease.h>

#include <algorithm>
#include <cmath>
using namespace crease;

namespace {

Graph three_layers() { return network(mlp({8, 16, 16, 3}, relu, {.bias_init = uniform(-0.5, 0.5)}), 8); }

Tensor divided(const Tensor& tensor, double divisor) {
  Tensor result = tensor;
  for (int64_t i = 0; i < tensor.count(); ++i) result.set(i, tensor.at(i) / divisor);
  return result;
}

/// Layer i's weights over factors[i], its biases over factors[0] ... factors[i].
Graph rescaled(const Graph& network, const std::vector<double>& factors) {
  Graph result = network;
  double product = 1;
  for (size_t i = 0; i < factors.size(); ++i) {
    product *= factors[i];
    const std::string layer = std::to_string(2 * i);  // activations stand between: 0, 2, 4
    const auto old = parameters_of(network);
    result.set_parameter(layer + ".weight", divided(old.at(layer + ".weight"), factors[i]));
    result.set_parameter(layer + ".bias", divided(old.at(layer + ".bias"), product));
  }
  return result;
}

Tensor logits_of(const Graph& network, const Tensor& x) { return evaluate(network, {{"x", x}}).at("logits"); }

double greatest_error(const Tensor& got, const Tensor& want, double divisor) {
  double greatest = 0;
  for (int64_t i = 0; i < got.count(); ++i) {
    greatest = std::max(greatest, std::abs(got.at(i) - want.at(i) / divisor));
  }
  return greatest;
}

}  // namespace

int main() {
  const Graph network = three_layers();
  const Tensor x = uniform(-1, 1)({.sizes = {100, 8}, .seed = 3});
  const Tensor before = logits_of(network, x);

  const Tensor powers = logits_of(rescaled(network, {4, 0.5, 0.5}), x);
  fmt::print("a = 4, 1/2, 1/2: product 1, outputs bit for bit equal: {}\n", powers == before ? "yes" : "no");
  const Tensor others = logits_of(rescaled(network, {3, 0.7, 1 / 2.1}), x);
  fmt::print("a = 3, 0.7, 1/2.1: product 1, outputs equal up to rounding: {}\n",
             greatest_error(others, before, 1) < 1e-5 ? "yes" : "no");
  const Tensor divided_by_six = logits_of(rescaled(network, {3, 4, 0.5}), x);
  fmt::print("a = 3, 4, 1/2: product 6, outputs divided by 6: {}\n",
             greatest_error(divided_by_six, before, 6) < 1e-5 ? "yes" : "no");
  const Tensor flipped = logits_of(rescaled(network, {-2, -0.5, 1}), x);
  fmt::print("a = -2, -1/2, 1: product 1, but a rectifier does not commute with a sign: outputs equal: {}\n",
             flipped == before ? "yes" : "no");
}
