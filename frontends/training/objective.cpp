#include "frontends/training/objective.h"

#include "frontends/losses.h"
#include "graph/error.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

/// The shape with the first dimension of another one: a batch of these.
Shape batch_of(const Dim& batch, const std::vector<int64_t>& sizes) {
  Shape shape(sizes.begin(), sizes.end());
  shape.front() = batch;
  return shape;
}

void expect_fit(const Graph& network, const Value& x, const Dataset& data) {
  const auto& sizes = data.x.sizes();
  expect(!x.shape().empty() && batch_of(x.shape().front(), sizes) == x.shape() && data.x.type() == x.type(),
         "[train] the data does not fit the network: got samples {} {}, want {} {} ({})",
         to_string(data.x.type()), to_string(sizes), to_string(x.type()), to_string(x.shape()),
         describe(network, x.id()));
}

}  // namespace

Objective make_objective(const Graph& network, const Dataset& data, const LossFunction& loss) {
  expect(network.inputs().size() == 1 && network.outputs().size() == 1,
         "[train] a network has one input and one output: got {} and {}", network.inputs().size(),
         network.outputs().size());
  Graph graph = network;
  const Value x = graph.value(graph.inputs().front());
  const Value output = graph.value(graph.outputs().front().node);
  expect_fit(graph, x, data);

  Objective result;
  result.input = x.node().name;
  result.target = result.input == "label" ? "target" : "label";
  const Value target = graph.input(result.target, batch_of(x.shape().front(), data.y.sizes()), data.y.type());
  result.output = output;
  const bool classifies = data.classes > 0;
  const LossFunction fallback = [&](const Value& a, const Value& b) {
    if (classifies) return softmax_cross_entropy(a, b);
    const bool one_number = b.shape().size() == 1 && a.shape() == Shape{b.shape()[0], 1};
    return mse(one_number ? reshape(a, b.shape()) : a, b);
  };
  const Value each = loss ? loss(output, target) : fallback(output, target);
  result.loss = mean(each);
  result.loss_sum = sum(each);
  if (classifies && output.shape().size() == 2) {
    result.correct = correct_count(output, target);
    expect(output.shape()[1] == Dim(data.classes),
           "[train] the network has {} logits but the data {} classes ({})", to_string(output.shape()[1]),
           data.classes, describe(graph, output.id()));
  }
  return result;
}

}  // namespace crease
