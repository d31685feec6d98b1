#include "tests/graph/analysis/deep_network.h"

#include <fmt/format.h>

#include <random>

#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"

namespace crease::test {

Graph deep_network(int layers, const std::function<Value(const Value&)>& activation) {
  std::mt19937 random(5);
  const auto weights = [&](std::vector<int64_t> sizes) {
    Tensor tensor(Type::f32, std::move(sizes));
    for (int64_t i = 0; i < tensor.count(); ++i)
      tensor.set(i, static_cast<double>(random() % (1U << 24)) / (1U << 23) - 1);  // in [-1, 1), 24 bits
    return tensor;
  };
  Graph graph;
  Value x = graph.input("x", {"batch", 4});
  for (int k = 0; k < layers; ++k)
    x = activation(matmul(x, graph.parameter(fmt::format("w{}", k), weights({4, 4}))) +
                   graph.parameter(fmt::format("b{}", k), weights({4})));
  graph.output("y", x);
  return graph;
}

}  // namespace crease::test
