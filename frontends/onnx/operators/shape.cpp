// Constants, and shapes as values: what frameworks write between a tensor and its new shape.
#include <algorithm>
#include <cmath>

#include "frontends/onnx/operators.h"
#include "graph/error.h"
#include "graph/ops/leaf.h"
#include "graph/ops/movement.h"

namespace crease::onnx {
namespace {

Results read_constant(NodeReader& node) {
  if (auto tensor = node.tensor("value")) return {Stored{.name = "", .tensor = std::move(*tensor)}};
  if (node.has_attribute("value_int"))
    return {Stored{.name = "", .tensor = Tensor::i64({}, {node.integer("value_int", 0)})}};
  if (node.has_attribute("value_float"))
    return {Stored{.name = "", .tensor = Tensor::scalar(Type::f32, node.real("value_float", 0))}};
  const auto integers = node.integers("value_ints", std::vector<int64_t>{});
  expect(node.has_attribute("value_ints"), "a constant that is no tensor, number or list of integers");
  return {Stored{.name = "", .tensor = Tensor::i64({std::ssize(integers)}, integers)}};
}

Results read_constant_of_shape(NodeReader& node) {
  const Tensor value = node.tensor("value").value_or(Tensor::scalar(Type::f32, 0));
  const Shape shape = shape_of(node.sizes(0));
  const Value number = node.graph().constant(value.reshaped({}));
  return {shape.empty() ? number : broadcast_to(number, shape)};
}

Results read_shape(NodeReader& node) {
  const Shape shape = node.shape(0);
  const int64_t rank = std::ssize(shape);
  const auto place = [&](int64_t axis) {
    return std::clamp(axis < 0 ? axis + rank : axis, int64_t{0}, rank);
  };
  const int64_t begin = place(node.integer("start", 0)), end = place(node.integer("end", rank));
  Sizes sizes;
  for (int64_t axis = begin; axis < end; ++axis)
    sizes.values.push_back(size_of(shape[static_cast<size_t>(axis)]));
  return {sizes};
}

Results read_size(NodeReader& node) {
  return {Stored{.name = "", .tensor = Tensor::i64({}, {element_count(sizes_of(node.shape(0)))})}};
}

/// 0, 1, ... by known numbers, or to a named size.
Results read_range(NodeReader& node) {
  if (node.is_sizes(1) && !node.is_constant(1)) {
    const Sizes end = node.sizes(1);
    expect(node.constant(0).item() == 0 && node.constant(2).item() == 1, "to '{}' from 0 by 1 only",
           end.values.front().symbol);
    return {iota(node.graph(), shape_of(end), 0, Type::i64, {})};
  }
  const Tensor start = node.constant(0), limit = node.constant(1), delta = node.constant(2);
  const double step = delta.item();
  expect(step != 0, "the step is 0");
  const double count = std::max(0.0, std::ceil((limit.item() - start.item()) / step));
  expect(count <= 1 << 20, "{} elements", count);
  Tensor values(start.type(), {static_cast<int64_t>(count)});
  for (int64_t i = 0; i < values.count(); ++i) values.set(i, start.item() + static_cast<double>(i) * step);
  return {Stored{.name = "", .tensor = std::move(values)}};
}

constexpr OperatorRow rows[] = {{"Constant", read_constant},
                                {"ConstantOfShape", read_constant_of_shape},
                                {"Range", read_range},
                                {"Shape", read_shape},
                                {"Size", read_size}};

}  // namespace

std::span<const OperatorRow> shape_operators() { return rows; }

}  // namespace crease::onnx
