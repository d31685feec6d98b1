// Any operation: its operands brought to the labels of its loops, its body, and a reduction.
#include <algorithm>
#include <limits>

#include "frontends/onnx/write/body.h"
#include "frontends/onnx/write/kinds.h"
#include "graph/error.h"

namespace crease::onnx {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// What a point that is skipped counts as.
double neutral(Combine combine) {
  switch (combine) {
    case Combine::Assign:
    case Combine::Sum: return 0;
    case Combine::Product: return 1;
    case Combine::Max:
    case Combine::ArgMax: return -infinity;
    case Combine::Min:
    case Combine::ArgMin: return infinity;
  }
  return 0;
}

const char* operator_of(Combine combine) {
  switch (combine) {
    case Combine::Assign: break;
    case Combine::Sum: return "ReduceSum";
    case Combine::Product: return "ReduceProd";
    case Combine::Max: return "ReduceMax";
    case Combine::Min: return "ReduceMin";
    case Combine::ArgMax: return "ArgMax";
    case Combine::ArgMin: return "ArgMin";
  }
  return nullptr;
}

/// The labels of a shape's dimensions that are not 1, in order, if the access is all of them.
std::optional<std::vector<int>> flat(const Writing& writing, const Access& access, const Shape& shape) {
  std::vector<int> result;
  for (size_t axis = 0; axis < access.size(); ++axis) {
    const auto labels = row_major(writing, access[axis], shape[axis]);
    if (!labels) return {};
    for (const int label : *labels)
      if (writing.extent(label) != Dim(1)) result.push_back(label);
  }
  return result;
}

/// The same elements in the same order.
std::optional<std::string> write_reshape(const Writing& writing) {
  const Node& node = writing.node;
  const bool moves = node.op->body.expression.same(Scalar::argument(0)) && node.operands.size() == 1;
  if (!moves) return {};
  const Shape& from = writing.operand(0).shape;
  const auto read = flat(writing, node.loops.reads[0], from),
             write = flat(writing, node.loops.write, node.shape);
  if (!read || read != write) return {};
  const std::string value = writing.emit.reshaped({writing.name(0), from}, node.shape);
  return writing.operand(0).type == node.type ? value : writing.emit.cast(value, node.type);
}

/// Numbers or truth values along labels, and their type in the file.
struct Typed {
  Labelled value;
  Type type;
};

std::string finished(const Writing& writing, const Typed& result) {
  const Type to = writing.node.type;
  const auto& [name, labels] = result.value;
  return written(writing, {result.type == to ? name : writing.emit.cast(name, to), labels});
}

/// What counts for nothing, at the points that an access leaves out.
Typed masked(BodyWriter& body, const Writing& writing, const Typed& result,
             const std::vector<Labelled>& inside) {
  if (inside.empty()) return result;
  Labelled condition = inside[0];
  for (size_t k = 1; k < inside.size(); ++k) condition = body.add("And", {condition, inside[k]});
  const double otherwise = neutral(writing.node.op->combine);
  expect(is_floating(result.type) || std::isfinite(otherwise), "an extremum of integers at a border");
  const Labelled none_there{writing.emit.number(result.type, otherwise), {}};
  return {body.add("Where", {condition, result.value, none_there}), result.type};
}

/// The reduced axes stay with size 1 where the node's result has them so.
bool keeps_axes(const Writing& writing, const std::vector<int>& order, const std::vector<int>& reduced) {
  const Access& write = writing.node.loops.write;
  if (write.size() != order.size()) return false;
  for (size_t axis = 0; axis < order.size(); ++axis) {
    const bool gone = std::ranges::find(reduced, order[axis]) != reduced.end();
    const AffineIndex want = gone ? AffineIndex{} : AffineIndex{.terms = {{order[axis], 1}}};
    if (write[axis] != want) return false;
  }
  return true;
}

/// Positions count row-major over the reduced labels: they become one axis, the last.
std::string position(const Writing& writing, const Labelled& value, const std::vector<int>& kept,
                     const std::vector<int>& reduced) {
  std::vector<int> all = kept;
  std::ranges::copy(reduced, std::back_inserter(all));
  Shape split, joined;
  for (const int label : all) split.push_back(writing.extent(label));
  for (const int label : kept) joined.push_back(writing.extent(label));
  int64_t count = 1;
  for (const int label : reduced) {
    const Dim& extent = writing.extent(label);
    expect(!extent.is_symbol() || reduced.size() == 1, "a position in several axes, one of them '{}'",
           to_string(extent));
    if (!extent.is_symbol()) count *= extent.size();
  }
  joined.push_back(reduced.size() == 1 ? writing.extent(reduced[0]) : Dim(count));
  const std::string name = writing.emit.reshaped({aligned(writing, value, all).name, split}, joined);
  return writing.emit.add(operator_of(writing.node.op->combine), {name},
                          {{"axis", std::ssize(kept)}, {"keepdims", int64_t{0}}});
}

std::string reduced_to_result(const Writing& writing, const Typed& from, const std::vector<int>& order) {
  const std::vector<int> reduced = reduced_labels(writing.node.loops);
  const Combine combine = writing.node.op->combine;
  if (combine == Combine::Assign || reduced.empty()) return finished(writing, from);
  std::vector<int> kept;
  std::vector<int64_t> axes;
  for (size_t axis = 0; axis < order.size(); ++axis) {
    if (std::ranges::find(reduced, order[axis]) == reduced.end())
      kept.push_back(order[axis]);
    else
      axes.push_back(static_cast<int64_t>(axis));
  }
  if (gives_position(combine))
    return finished(writing, {{position(writing, from.value, kept, reduced), kept}, Type::i64});
  const bool keep = keeps_axes(writing, order, reduced);
  std::vector<std::string> inputs{from.value.name};
  std::vector<Attribute> attributes{{"keepdims", int64_t{keep ? 1 : 0}}};
  if (combine == Combine::Sum)  // an input since version 13, of the others since version 18
    inputs.push_back(writing.emit.integers(axes));
  else
    attributes.emplace_back("axes", axes);
  const std::string name = writing.emit.add(operator_of(combine), inputs, attributes);
  if (!keep) return finished(writing, {{name, kept}, from.type});
  return from.type == writing.node.type ? name : writing.emit.cast(name, writing.node.type);
}

/// The body's value, in the type in which it is combined; what is only moved keeps its own.
Typed computed(BodyWriter& body, const Writing& writing, const std::vector<Labelled>& operands) {
  const Op& op = *writing.node.op;
  const Scalar& expression = op.body.expression;
  if (op.combine == Combine::Assign && expression.kind() == ScalarKind::Argument) {
    const auto k = static_cast<size_t>(expression.position());
    return {operands[k], writing.operand(k).type};
  }
  const Computed result = body.compute(expression);
  if (result.truth && op.combine == Combine::Assign) return {result.value, Type::boolean};
  return {body.as_number(result), body.type()};
}

}  // namespace

std::string write_elements(const Writing& writing) {
  if (const auto name = write_reshape(writing)) return *name;
  const std::vector<int> order = write_order(writing);
  std::vector<Labelled> operands, inside;
  for (size_t k = 0; k < writing.node.operands.size(); ++k) {
    if (!depends_on(writing.node.op->body.expression, static_cast<int>(k))) {
      operands.push_back({writing.name(k), {}});  // looked up by, which is part of another access
      continue;
    }
    const Reading reading = read(writing, k);
    operands.push_back(aligned(writing, reading.value, order));
    for (const Labelled& mask : reading.inside) inside.push_back(aligned(writing, mask, order));
  }
  BodyWriter body(writing, operands, order);
  Typed result = masked(body, writing, computed(body, writing, operands), inside);
  result.value = expanded(writing, result.value, order);
  return reduced_to_result(writing, result, order);
}

}  // namespace crease::onnx
