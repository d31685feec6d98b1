#include "frontends/training/objective.h"

#include <algorithm>
#include <span>

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

/// The mean over all axes but the first, such as the steps of a sequence.
Value sample_mean(const Value& each) {
  Axes axes;
  for (size_t axis = 1; axis < each.shape().size(); ++axis) axes.push_back(static_cast<int>(axis));
  return axes.empty() ? each : mean(each, axes);
}

/// What is added up over batches and divided by the samples must be one number a sample.
void expect_one_a_sample(const Value& each, const Dim& batch) {
  expect(each.valid(), "[train] the loss gives a value of no graph");
  expect(each.shape() == Shape{batch} && is_floating(each.type()),
         "[train] the loss gives {} {}: want one number a sample, floating {}; the mean over the samples is "
         "taken later ({})",
         to_string(each.type()), to_string(each.shape()), to_string(Shape{batch}),
         describe(each.graph(), each.id()));
}

}  // namespace

Value error_of_numbers(const Value& output, const Value& target) {
  const bool one_number = target.shape().size() == 1 && output.shape() == Shape{target.shape()[0], 1};
  // Where it does not fit, the line of the output says more than one of this file.
  return mse(one_number ? reshape(output, target.shape()) : output, target, output.node().where);
}

LossFunction mse_in_deviations(const Standardisation& targets) {
  return [deviation = targets.deviation](const Value& output, const Value& target) {
    const Value unit = output.graph().constant(deviation.converted(output.type()));
    return error_of_numbers(output / unit, target / unit);
  };
}

Value input_for(const Graph& network, const Tensor& x) {
  expect(network.inputs().size() == 1 && network.outputs().size() == 1,
         "[data] a network has one input and one output: got {} and {}; extract() takes one out of a larger "
         "graph",
         network.inputs().size(), network.outputs().size());
  const Value input = network.value(network.inputs().front());
  expect(!input.shape().empty() && !x.sizes().empty() &&
             batch_of(input.shape().front(), x.sizes()) == input.shape() && x.type() == input.type(),
         "[data] the data does not fit the network: got samples {} {}, want {} {} ({})", to_string(x.type()),
         to_string(x.sizes()), to_string(input.type()), to_string(input.shape()),
         describe(network, input.id()));
  return input;
}

Objective make_objective(const Graph& network, const Dataset& data, const LossFunction& loss) {
  Graph graph = network;
  const Value x = input_for(graph, data.x);
  const Value output = graph.value(graph.outputs().front().node);

  Objective result;
  result.input = x.node().name;
  result.target = result.input == "label" ? "target" : "label";
  const Value target = graph.input(result.target, batch_of(x.shape().front(), data.y.sizes()), data.y.type());
  result.output = output;
  const NodeId root = output.id();
  result.reads_input = std::ranges::binary_search(ancestors(graph, std::span(&root, 1)), x.id());
  const bool classifies = data.classes > 0;
  const LossFunction fallback = [&](const Value& a, const Value& b) {
    if (classifies) return sample_mean(softmax_cross_entropy(a, b, a.node().where));
    return error_of_numbers(a, b);
  };
  const Value each = loss ? loss(output, target) : fallback(output, target);
  expect_one_a_sample(each, x.shape().front());
  result.loss = mean(each);
  result.loss_sum = sum(each);
  if (classifies && output.shape().size() == 2) result.correct = correct_count(output, target);
  if (classifies && output.shape().size() == target.shape().size() + 1)
    expect(output.shape().back() == Dim(data.classes),
           "[train] the network has {} logits but the data {} classes ({})", to_string(output.shape().back()),
           data.classes, describe(graph, output.id()));
  return result;
}

}  // namespace crease
