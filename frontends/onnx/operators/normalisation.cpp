// Normalisation by stored moments, or by those of each sample.
#include <cmath>
#include <numeric>

#include "frontends/onnx/operators.h"
#include "frontends/onnx/operators/window.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/cast.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

namespace crease::onnx {
namespace {

double epsilon_of(NodeReader& node) {
  const double epsilon = node.real("epsilon", 1e-5F);
  expect(epsilon >= 0, "epsilon is {}", epsilon);
  return epsilon;
}

/// Over some axes, which are kept with size 1.
struct Moments {
  Value mean, centred, deviation;
};

Moments moments(const Value& x, const Axes& axes, double epsilon) {
  const Value average = mean(x, axes, true), centred = x - average;
  return {average, centred, sqrt(mean(square(centred), axes, true) + epsilon)};
}

Value normalised(const Value& x, const Axes& axes, double epsilon) {
  const Moments own = moments(x, axes, epsilon);
  return own.centred / own.deviation;
}

Axes axes_from(size_t first, size_t rank) {
  Axes axes(rank - first);
  std::iota(axes.begin(), axes.end(), static_cast<int>(first));
  return axes;
}

Results read_batch_normalization(NodeReader& node) {
  node.ignore("momentum");  // of training
  node.expect_inference();
  expect(node.integer("spatial", 1) == 1, "one mean for each position (spatial = 0) is not carried out");
  expect(node.outputs() == 1, "moments of the batch are results of training only");
  const double epsilon = epsilon_of(node);
  const Value x = node.value(0);
  const size_t rank = x.shape().size();
  expect(rank >= 2, "a value of rank {} has no channels", rank);
  const Value mean = along_channels(node.state(3), rank), variance = along_channels(node.state(4), rank);
  const Value y = (x - mean) / sqrt(variance + epsilon);
  return {y * along_channels(node.value(1), rank) + along_channels(node.value(2), rank)};
}

/// Results: y, the mean, and one over the deviation.
Results read_layer_normalization(NodeReader& node) {
  expect(node.integer("stash_type", 1) == 1, "stash_type is not 1");
  const Value x = node.value(0);
  const size_t rank = x.shape().size(), axis = axis_of(node.integer("axis", -1), rank);
  const Moments own = moments(x, axes_from(axis, rank), epsilon_of(node));
  Value y = own.centred / own.deviation * node.value(1);
  if (node.has(2)) y = y + node.value(2);
  if (node.outputs() == 1) return {y};
  return {y, cast(own.mean, Type::f32), cast(1 / own.deviation, Type::f32)};  // stash_type 1
}

Results read_instance_normalization(NodeReader& node) {
  const Value x = node.value(0);
  const size_t rank = x.shape().size();
  expect(rank > 2, "a value of rank {} has no positions", rank);
  const Value y = normalised(x, axes_from(2, rank), epsilon_of(node));
  return {y * along_channels(node.value(1), rank) + along_channels(node.value(2), rank)};
}

/// Scale and shift one a channel since version 21, one a group in version 18.
Results read_group_normalization(NodeReader& node) {
  expect(node.integer("stash_type", 1) == 1, "stash_type is not 1");
  expect(node.opset() >= 21, "scale and shift by group (version 18) are not carried out");
  const Value x = node.value(0);
  const int64_t groups = node.integer("num_groups", 0);
  expect(
      x.shape().size() >= 2 && !x.shape()[1].is_symbol() && groups > 0 && x.shape()[1].size() % groups == 0,
      "{} groups of the channels of {}", groups, to_string(x.shape()));
  Shape split = x.shape();
  split[1] = groups;
  split.insert(split.begin() + 2, x.shape()[1].size() / groups);
  const Value y =
      reshape(normalised(reshape(x, split), axes_from(2, split.size()), epsilon_of(node)), x.shape());
  const size_t rank = x.shape().size();
  return {y * along_channels(node.value(1), rank) + along_channels(node.value(2), rank)};
}

constexpr OperatorRow rows[] = {{"BatchNormalization", read_batch_normalization},
                                {"GroupNormalization", read_group_normalization},
                                {"InstanceNormalization", read_instance_normalization},
                                {"LayerNormalization", read_layer_normalization}};

}  // namespace

std::span<const OperatorRow> normalisation_operators() { return rows; }

}  // namespace crease::onnx
