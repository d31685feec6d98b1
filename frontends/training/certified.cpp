#include "frontends/training/certified.h"

#include <algorithm>
#include <cmath>

#include "frontends/training/objective.h"
#include "graph/analysis/points.h"
#include "graph/error.h"

namespace crease {
namespace {

constexpr const char* kLabel = "certified.label";
constexpr const char* kMargin = "certified.margin";

/// The graph with another output: that of the true class minus each one.
Graph with_margins(const Graph& network) {
  Graph graph = network;
  const Value y = graph.value(graph.outputs()[0].node);
  const Value label = graph.input(kLabel, {y.shape()[0]}, Type::i32);
  const Scalar truth = Scalar::argument(0), other = Scalar::index(1), k = Scalar::index(2);
  const Op factors{.name = "margin_factors",
                   .doc = "1 for the true class, -1 for the other one, in a row for each other class.",
                   .body = Body(1, select(equal(other, truth), 0,
                                          select(equal(k, truth), 1, select(equal(k, other), -1, 0))))};
  const Dim batch = y.shape()[0], classes = y.shape()[1];
  const auto axis = [](int l) { return AffineIndex{.terms = {{l, 1}}}; };
  Resolved resolved{.loops = {.labels = {{"b", batch}, {"j", classes}, {"k", classes}},
                              .reads = {{axis(0)}},
                              .write = {axis(0), axis(1), axis(2)}},
                    .shape = {batch, classes, classes}};
  const Value factor =
      graph.apply_resolved(std::make_shared<const Op>(factors), std::move(resolved), {label}, y.type(), {});
  const Op margins{.name = "margins",
                   .doc = "Sums of factors times outputs.",
                   .loops = "b j k, b k -> b j",
                   .body = [](Scalar c, Scalar x) { return c * x; },
                   .combine = Combine::Sum};
  const Value margin = margins(factor, y);
  graph.clear_outputs();
  graph.output(kMargin, margin);
  return graph;
}

/// The same ends, each moved by `by`.
Tensor moved(const Tensor& x, double by) {
  Tensor result = x.converted(Type::f64);
  for (double& value : result.write<double>())
    value = std::nextafter(value + by, by < 0 ? -HUGE_VAL : HUGE_VAL);
  return result;
}

/// Boxes to bound at once: lines keep two coefficients for each class and number of a layer, in memory of
/// some hundred megabytes at most.
int64_t boxes_at_once(const Graph& network, int64_t classes) {
  constexpr int64_t most = 128, coefficients = int64_t{1} << 23;
  int64_t largest = 1;
  for (const NodeId id : ancestors(network, roots(network)))
    if (network.node(id).role == Role::Apply)
      largest = std::max(largest, sample_count(network.node(id).shape));
  return std::clamp<int64_t>(coefficients / (2 * classes * largest), 1, most);
}

/// Whether all margins but that of the class itself are positive.
bool is_positive(const Tensor& margins, int64_t row, int64_t classes, int64_t truth) {
  for (int64_t k = 0; k < classes; ++k)
    if (k != truth && !(margins.at(row * classes + k) > 0)) return false;
  return true;
}

}  // namespace

Certified certified_accuracy(const Graph& network, const Dataset& data, double within, LineUse lines) {
  validate(data);
  expect(data.classes > 0, "[certified] '{}' has numbers to predict, not classes", data.name);
  expect(within >= 0 && std::isfinite(within), "[certified] distance: got {}, want a number of at least 0",
         within);
  const Objective objective = make_objective(network, data, {});  // for its checks
  const Shape& shape = network.node(network.outputs()[0].node).shape;
  expect(shape.size() == 2 && shape[1] == Dim(data.classes),
         "[certified] the network has an output {}: want one number for each of {} classes", to_string(shape),
         data.classes);
  const Graph graph = with_margins(network);
  BoundsProgram bounds(graph, {.lines = lines});
  Program exact = compile(graph);
  Certified result{.samples = data.size()};
  const int64_t boxes = boxes_at_once(network, data.classes);
  for (const Batch& batch : data.batches(std::min(boxes, data.size()), {.shuffle = false})) {
    const Bindings label{{kLabel, batch.y}};
    const TensorBounds found =
        bounds({{objective.input, {moved(batch.x, -within), moved(batch.x, within)}}}, label).at(kMargin);
    const Tensor here = exact({{kLabel, batch.y}, {objective.input, batch.x}}).at(kMargin);
    const auto labels = batch.y.read<int32_t>();
    for (int64_t i = 0; i < batch.size(); ++i) {
      const int64_t truth = labels[static_cast<size_t>(i)];
      result.right += is_positive(here, i, data.classes, truth) ? 1 : 0;
      result.kept.push_back(is_positive(found.low, i, data.classes, truth));
      result.proved += result.kept.back() ? 1 : 0;
    }
  }
  return result;
}

}  // namespace crease
