#include "frontends/training/lsuv.h"

#include <doctest/doctest.h>

#include <cmath>

#include "frontends/models.h"
#include "graph/error.h"
#include "graph/ops/activation.h"

namespace crease {
namespace {

TEST_CASE("after lsuv the result of every layer has variance 1") {
  Graph graph = network(mlp({8, 16, 16, 4}, relu, {.init = orthogonal(5)}), 8);
  const Bindings batch{{"x", normal(0, 1)({.sizes = {200, 8}, .seed = 3})}};
  const Graph scaled = lsuv(graph, batch, {.tolerance = 0.01});
  int layers = 0;
  for (NodeId id = 0; id < scaled.size(); ++id) {
    const Node& node = scaled.node(id);
    if (node.role != Role::Apply || node.name.empty()) continue;
    const Tensor y = evaluate(scaled.value(id), batch);
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < y.count(); ++i) mean += y.at(i) / static_cast<double>(y.count());
    for (int64_t i = 0; i < y.count(); ++i)
      variance += (y.at(i) - mean) * (y.at(i) - mean) / static_cast<double>(y.count());
    CAPTURE(node.name);
    CHECK(std::abs(variance - 1) < 0.011);
    ++layers;
  }
  CHECK(layers == 3);
  CHECK_THROWS_WITH_AS(lsuv(network(Layer(relu), 8), batch), doctest::Contains("no layer has a parameter"),
                       Error);
  CHECK_THROWS_WITH_AS(lsuv(graph, {{"x", Tensor(Type::f32, {3, 8})}}), doctest::Contains("has variance 0"),
                       Error);
}

}  // namespace
}  // namespace crease
