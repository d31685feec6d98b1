// Sums, extrema and means over axes and windows, and softmax.
#include "graph/ops/reduction.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "frontends/losses.h"
#include "frontends/onnx/operators.h"
#include "frontends/onnx/operators/window.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/axes.h"
#include "graph/ops/movement.h"

namespace crease::onnx {
namespace {

Value log_sum_exp(const Value& x, const Axes& axes, bool keep) {
  const Value greatest = reduce_max(x, axes, true);
  const Value total = log(sum(exp(x - greatest), axes, keep));
  return total + (keep ? greatest : reduce_max(x, axes, false));
}

/// No axes: all of them, unless the node says that these are none.
template <Value (*reduction)(const Value&, const Axes&, bool)>
Results reduce(NodeReader& node) {
  const Value x = node.value(0);
  const bool keep = node.integer("keepdims", 1) != 0,
             empty_is_none = node.integer("noop_with_empty_axes", 0) != 0;
  const std::vector<int64_t> given = node.integers("axes", 1).value_or(std::vector<int64_t>{});
  // What is left of no axes is the operation of a single element: |x| of a norm.
  if (given.empty() && (empty_is_none || x.shape().empty())) return {reduction(unsqueeze(x, 0), {0}, false)};
  Axes axes;
  for (const size_t axis : axes_of(given, x.shape().size())) axes.push_back(static_cast<int>(axis));
  return {reduction(x, axes, keep)};
}

Value of_sum(const Value& x, const Axes& axes, bool keep) { return sum(x, axes, keep); }
Value of_mean(const Value& x, const Axes& axes, bool keep) { return mean(x, axes, keep); }
Value of_max(const Value& x, const Axes& axes, bool keep) { return reduce_max(x, axes, keep); }
Value of_min(const Value& x, const Axes& axes, bool keep) { return reduce_min(x, axes, keep); }
Value of_product(const Value& x, const Axes& axes, bool keep) { return product(x, axes, keep); }
Value of_norm1(const Value& x, const Axes& axes, bool keep) { return sum(abs(x), axes, keep); }
Value of_norm2(const Value& x, const Axes& axes, bool keep) { return norm2(x, axes, keep); }
Value of_squares(const Value& x, const Axes& axes, bool keep) { return sum(square(x), axes, keep); }
Value of_log_sum(const Value& x, const Axes& axes, bool keep) { return log(sum(x, axes, keep)); }

template <Value (*position)(const Operand&, int)>
Results extremum(NodeReader& node) {
  const Value x = node.value(0);
  const auto axis = static_cast<int>(axis_of(node.integer("axis", 0), x.shape().size()));
  Value place = position(x, axis);
  if (node.integer("select_last_index", 0) != 0) {  // the first one, counted from the end
    const int64_t size = known_size("select_last_index", x.shape(), static_cast<size_t>(axis), {});
    place = static_cast<double>(size - 1) - position(reverse(x, axis), axis);
  }
  return {node.integer("keepdims", 1) != 0 ? unsqueeze(place, axis) : place};
}

/// Over one axis since version 13, over it and all behind it before.
template <Value (*over_last)(const Value&, std::source_location)>
Results softmaxed(NodeReader& node) {
  const Value x = node.value(0);
  const auto rank = static_cast<int64_t>(x.shape().size());
  const auto axis =
      static_cast<int64_t>(axis_of(node.integer("axis", node.opset() < 13 ? 1 : -1), x.shape().size()));
  if (axis == rank - 1) return {over_last(x, {})};
  if (node.opset() < 13) {
    Shape flat(x.shape().begin(), x.shape().begin() + axis);
    flat.emplace_back(element_count(sizes_of(Shape(x.shape().begin() + axis, x.shape().end()))));
    return {reshape(over_last(reshape(x, flat), {}), x.shape())};
  }
  std::vector<int> order(static_cast<size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<size_t>(axis)], order.back());
  return {transpose(over_last(transpose(x, order), {}), order)};
}

std::vector<int64_t> kernel_shape(NodeReader& node) {
  const std::vector<int64_t> taps = node.integers("kernel_shape", std::vector<int64_t>{});
  expect(!taps.empty(), "kernel_shape is missing");
  return taps;
}

PoolOptions options_of(const Window& window) {
  return {.window = window.taps, .stride = window.stride, .padding = window.before};
}

void expect_dense(const Window& window) {
  expect(std::ranges::all_of(window.dilation, [](int64_t size) { return size == 1; }),
         "dilations of pooling are not carried out");
}

Results read_max_pool(NodeReader& node) {
  node.ignore("storage_order");  // of the indices
  const Value x = node.value(0);
  Window window = read_window(node, x.shape(), kernel_shape(node));
  expect_dense(window);
  // -infinity wins no maximum.
  const Value inner = padded(x, window, -std::numeric_limits<double>::infinity());
  return {(window.taps.size() == 1 ? max_pool1d : max_pool2d)(inner, options_of(window))};
}

/// Means over windows, zeros of the padding counted.
Value means_of(const Value& x, Window window) {
  const Value inner = padded(x, window);
  return (window.taps.size() == 1 ? average_pool1d : average_pool2d)(inner, options_of(window));
}

bool any(const std::vector<int64_t>& sizes) {
  return std::ranges::any_of(sizes, [](int64_t size) { return size > 0; });
}

/// Zeros of the padding count only if count_include_pad says so, those beyond it never: where some do not,
/// each mean is divided by that of ones.
Results read_average_pool(NodeReader& node) {
  Value x = node.value(0);
  Window window = read_window(node, x.shape(), kernel_shape(node));
  expect_dense(window);
  if (node.integer("count_include_pad", 0) != 0) {
    for (size_t k = 0; k < window.taps.size(); ++k)
      x = padded_with(x, static_cast<int>(k) + 2, window.before[k], window.after[k] - window.beyond[k], 0);
    window.before = std::vector<int64_t>(window.taps.size(), 0);
    window.after = window.beyond;
  }
  const Value means = means_of(x, window);
  if (!any(window.before) && !any(window.after)) return {means};
  Shape shape = x.shape();
  shape[0] = shape[1] = 1;
  const Value one = node.graph().constant(Tensor::scalar(x.type(), 1));
  return {means / means_of(broadcast_to(one, shape), window)};
}

template <Value (*reduction)(const Value&, const Axes&, bool)>
Results over_positions(NodeReader& node) {
  const Value x = node.value(0);
  Axes axes;
  for (size_t axis = 2; axis < x.shape().size(); ++axis) axes.push_back(static_cast<int>(axis));
  return {axes.empty() ? x : reduction(x, axes, true)};
}

constexpr OperatorRow rows[] = {{"ArgMax", extremum<argmax>},
                                {"ArgMin", extremum<argmin>},
                                {"AveragePool", read_average_pool},
                                {"GlobalAveragePool", over_positions<of_mean>},
                                {"GlobalMaxPool", over_positions<of_max>},
                                {"LogSoftmax", softmaxed<log_softmax>},
                                {"MaxPool", read_max_pool},
                                {"ReduceL1", reduce<of_norm1>},
                                {"ReduceL2", reduce<of_norm2>},
                                {"ReduceLogSum", reduce<of_log_sum>},
                                {"ReduceLogSumExp", reduce<log_sum_exp>},
                                {"ReduceMax", reduce<of_max>},
                                {"ReduceMean", reduce<of_mean>},
                                {"ReduceMin", reduce<of_min>},
                                {"ReduceProd", reduce<of_product>},
                                {"ReduceSum", reduce<of_sum>},
                                {"ReduceSumSquare", reduce<of_squares>},
                                {"Softmax", softmaxed<softmax>}};

}  // namespace

std::span<const OperatorRow> reduction_operators() { return rows; }

}  // namespace crease::onnx
