// Elements in other places, and sizes where what is moved is a shape.
#include "graph/ops/movement.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "frontends/onnx/operators.h"
#include "frontends/onnx/operators/window.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/axes.h"
#include "graph/ops/lookup.h"

namespace crease::onnx {
namespace {

constexpr int64_t to_the_end = int64_t{1} << 40;
constexpr size_t most_listed = 1 << 16;  // integers that are known while a file is read

/// The product of two counts of elements.
int64_t times(int64_t a, int64_t b) {
  expect(b == 0 || a <= most_elements / b, "a shape of more than 2^62 elements");
  return a * b;
}

/// What stands in the place of -1: the named size that is left over, or the quotient of the numbers.
Dim inferred(const Shape& from, const std::vector<std::optional<Dim>>& to) {
  std::vector<std::string> left;
  int64_t have = 1, want = 1;
  for (const Dim& dim : from) {
    if (dim.is_symbol())
      left.push_back(dim.symbol());
    else
      have = times(have, dim.size());
  }
  for (const auto& dim : to) {
    if (!dim) continue;
    if (!dim->is_symbol()) {
      want = times(want, dim->size());
      continue;
    }
    const auto it = std::ranges::find(left, dim->symbol());
    expect(it != left.end(), "size '{}' is not one of {}", dim->symbol(), to_string(from));
    left.erase(it);
  }
  if (left.empty()) {
    expect(want != 0 && have % want == 0, "{} elements in {} equal parts", have, want);
    return have / want;
  }
  expect(left.size() == 1 && have == want, "the size in place of -1 cannot be told from {}", to_string(from));
  return left.front();
}

using Target = std::vector<std::optional<Dim>>;  // none: -1

/// Where a dimension was given a name in place of its number, the number means that name at the place that
/// has as many elements before it.
void name_batch(const Shape& from, Target& to, const Scope& scope) {
  const auto it = std::ranges::find(from, Dim(scope.batch));
  if (it == from.end() || std::ranges::find(to, std::optional(*it)) != to.end()) return;
  int64_t before = 1, have = 1;
  for (auto dim = from.begin(); dim != it; ++dim) {
    if (dim->is_symbol()) return;
    before = times(before, dim->size());
  }
  for (auto& dim : to) {
    if (!dim || dim->is_symbol()) return;
    if (have == before && *dim == Dim(scope.batch_size)) {
      dim = *it;
      return;
    }
    have = times(have, dim->size());
  }
}

/// The shape that Reshape asks for: 0 is the size of the input, -1 what is left over.
Shape target_shape(const Shape& from, const Sizes& to, bool zero_is_zero, const Scope& scope) {
  Target dims;
  for (size_t k = 0; k < to.values.size(); ++k) {
    const Size& size = to.values[k];
    if (size.symbol.empty() && size.number == -1) {
      dims.emplace_back();
    } else if (size.symbol.empty() && size.number == 0 && !zero_is_zero) {
      expect(k < from.size(), "size 0 at {} of a value of rank {}", k, from.size());
      dims.emplace_back(from[k]);
    } else {
      dims.emplace_back(dim_of(size));
    }
  }
  if (!scope.batch.empty()) name_batch(from, dims, scope);
  expect(std::ranges::count_if(dims, [](const auto& dim) { return !dim; }) <= 1, "-1 twice");
  Shape shape;
  for (const auto& dim : dims) shape.push_back(dim ? *dim : inferred(from, dims));
  return shape;
}

/// Whether a shape is that of `count` integers in a row, or of one alone.
bool is_list(const Sizes& shape, size_t count) {
  if (shape.values.empty()) return count == 1;
  const Size& size = shape.values.front();
  return shape.values.size() == 1 && size.symbol.empty() &&
         (size.number == -1 || size.number == static_cast<int64_t>(count));
}

Results read_reshape(NodeReader& node) {
  const bool zero_is_zero = node.integer("allowzero", 0) != 0;
  const Sizes to = node.sizes(1);
  if (node.is_sizes(0) && is_list(to, node.sizes(0).values.size()))
    return {Sizes{node.sizes(0).values, to.values.empty()}};
  const Value x = node.value(0);
  return {reshape({x, {}}, target_shape(x.shape(), to, zero_is_zero, node.scope()))};
}

Results read_flatten(NodeReader& node) {
  const Value x = node.value(0);
  const auto rank = static_cast<int64_t>(x.shape().size());
  const int64_t given = node.integer("axis", 1), axis = given < 0 ? given + rank : given;
  expect(axis >= 0 && axis <= rank, "axis {} of a value of rank {}", given, rank);
  Sizes to;
  for (const bool before : {true, false}) {
    Shape part(before ? x.shape().begin() : x.shape().begin() + axis,
               before ? x.shape().begin() + axis : x.shape().end());
    to.values.push_back(part.size() == 1   ? size_of(part[0])
                        : has_symbol(part) ? Size{.number = -1}
                                           : Size{.number = element_count(sizes_of(part))});
  }
  return {reshape({x, {}}, target_shape(x.shape(), to, true, node.scope()))};
}

Results read_transpose(NodeReader& node) {
  const Value x = node.value(0);
  std::vector<int64_t> otherwise(x.shape().size());
  std::iota(otherwise.rbegin(), otherwise.rend(), 0);
  const std::vector<int64_t> order = node.integers("perm", otherwise);
  const std::vector<size_t> axes = axes_of(order, x.shape().size());
  return {transpose(x, std::vector<int>(axes.begin(), axes.end()))};
}

Results read_unsqueeze(NodeReader& node) {
  const auto axes = node.integers("axes", 1);
  expect(axes.has_value() && axes->size() <= most_axes, "no axes, or more than {}", most_axes);
  if (node.is_sizes(0) && node.shape(0).empty() && axes->size() == 1) return {Sizes{node.sizes(0).values}};
  Value x = node.value(0);
  std::vector<size_t> places = axes_of(*axes, x.shape().size() + axes->size());
  std::ranges::sort(places);
  for (const size_t place : places) x = unsqueeze(x, static_cast<int>(place));
  return {x};
}

Results read_squeeze(NodeReader& node) {
  auto axes = node.integers("axes", 1);
  if (axes && axes->empty()) axes.reset();  // all of size 1
  if (node.is_sizes(0) && node.sizes(0).values.size() == 1) return {Sizes{node.sizes(0).values, true}};
  Value x = node.value(0);
  expect(axes || !has_symbol(x.shape()), "without axes: whether a named size of {} is 1 is not known",
         to_string(x.shape()));
  std::vector<size_t> places;
  if (axes) places = axes_of(*axes, x.shape().size());
  for (size_t axis = 0; !axes && axis < x.shape().size(); ++axis)
    if (x.shape()[axis] == Dim(1)) places.push_back(axis);
  std::ranges::sort(places, std::greater<>());
  for (const size_t place : places) x = squeeze(x, static_cast<int>(place));
  return {x};
}

/// Both ways: a size of 1 in the new shape leaves the value's own.
Results read_expand(NodeReader& node) {
  const Value x = node.value(0);
  Shape shape = shape_of(node.sizes(1));
  const Shape& own = x.shape();
  if (shape.size() < own.size()) shape.insert(shape.begin(), own.size() - shape.size(), Dim(1));
  for (size_t k = 0; k < own.size(); ++k) {
    Dim& dim = shape[shape.size() - own.size() + k];
    if (dim == Dim(1)) dim = own[k];
  }
  return {broadcast_to({x, {}}, shape)};
}

/// Where a slice begins and ends, counted from 0 and inside of the axis. Source: docs/Operators.md, Slice.
struct Span {
  int64_t begin, end, step;
};

Span inside(int64_t begin, int64_t end, int64_t step, int64_t size) {
  if (size == 0) return {0, 0, 1};
  const auto place = [&](int64_t at, int64_t least) {
    const int64_t from_zero = at < 0 ? at + size : at;
    return step > 0 ? std::clamp(from_zero, int64_t{0}, size) : std::clamp(from_zero, least, size - 1);
  };
  // A longer step takes the first element alone, as this one does, and it can be negated and added.
  return {place(begin, 0), place(end, -1), std::clamp(step, -size - 1, size + 1)};
}

Value sliced(const Value& x, size_t axis, int64_t begin, int64_t end, int64_t step) {
  expect(step != 0, "a step of 0");
  const Dim& dim = x.shape()[axis];
  if (dim.is_symbol()) {
    expect(begin == 0 && end >= std::numeric_limits<int32_t>::max() && step == 1,
           "a part of the axis of size '{}', which has no number", dim.symbol());
    return x;
  }
  const auto at = static_cast<int>(axis);
  const Span span = inside(begin, end, step, dim.size());
  if (span.step > 0) return slice(x, at, span.begin, std::max(span.begin, span.end), span.step);
  // Backwards from begin to end is forwards in the reversed axis.
  const int64_t last = dim.size() - 1, from = last - span.begin;
  return slice(reverse(x, at), at, from, std::max(from, last - span.end), -span.step);
}

Sizes sliced(const Sizes& sizes, int64_t begin, int64_t end, int64_t step) {
  Sizes result;
  const Span span = inside(begin, end, step, std::ssize(sizes.values));
  for (int64_t k = span.begin; span.step > 0 ? k < span.end : k > span.end; k += span.step)
    result.values.push_back(sizes.values[static_cast<size_t>(k)]);
  return result;
}

Results read_slice(NodeReader& node) {
  const auto starts = node.integers("starts", 1), ends = node.integers("ends", 2);
  expect(starts && ends && starts->size() == ends->size(), "starts and ends do not fit each other");
  const size_t rank = node.shape(0).size();
  std::vector<int64_t> all(starts->size());
  std::iota(all.begin(), all.end(), 0);
  const std::vector<size_t> axes = axes_of(node.integers("axes", 3).value_or(all), rank);
  const std::vector<int64_t> steps = node.has(4) ? node.integers(4) : std::vector<int64_t>(starts->size(), 1);
  expect(axes.size() == starts->size() && steps.size() == starts->size(), "axes or steps do not fit starts");
  if (node.is_sizes(0) && rank == 1 && axes.size() == 1 && steps[0] != 0)
    return {sliced(node.sizes(0), starts->front(), ends->front(), steps[0])};
  Value x = node.value(0);
  for (size_t k = 0; k < axes.size(); ++k) x = sliced(x, axes[k], (*starts)[k], (*ends)[k], steps[k]);
  return {x};
}

Results read_split(NodeReader& node) {
  const Value x = node.value(0);
  const auto axis = axis_of(node.integer("axis", 0), x.shape().size());
  node.ignore("num_outputs");  // as many as there are
  const int64_t size = known_size("split", x.shape(), axis, {}), count = node.outputs();
  // Equal parts, of which the last one may be smaller.
  std::vector<int64_t> parts(static_cast<size_t>(count), (size + count - 1) / count);
  if (const auto given = node.integers("split", 1))
    parts = *given;
  else
    parts.back() = size - (count - 1) * parts.back();
  expect(std::ranges::all_of(parts, [&](int64_t part) { return part >= 0 && part <= size; }),
         "parts {} of an axis of {}", to_string(parts), size);
  expect(std::ssize(parts) == count && std::accumulate(parts.begin(), parts.end(), int64_t{0}) == size,
         "{} parts of an axis of {} for {} results", parts.size(), size, count);
  Results results;
  int64_t begin = 0;
  for (const int64_t part : parts) {
    results.emplace_back(slice(x, static_cast<int>(axis), begin, begin + part));
    begin += part;
  }
  return results;
}

Results read_concat(NodeReader& node) {
  const int64_t axis = node.integer("axis", 0);
  bool sizes = true;
  for (int k = 0; k < node.inputs(); ++k) sizes = sizes && node.is_sizes(k) && node.shape(k).size() == 1;
  if (sizes) {
    Sizes all;
    for (int k = 0; k < node.inputs(); ++k)
      for (const Size& size : node.sizes(k).values) all.values.push_back(size);
    expect(all.values.size() <= most_listed, "a list of {} integers", all.values.size());
    return {all};
  }
  std::vector<Value> parts;
  for (int k = 0; k < node.inputs(); ++k) parts.push_back(node.value(k));
  expect(!parts.empty(), "no inputs");
  return {concat(parts, static_cast<int>(axis_of(axis, parts[0].shape().size())), {})};
}

/// What stands beside x: its last elements again (edge), or those next to them in reverse order (reflect).
Value mirrored(const Value& x, int axis, int64_t before, int64_t after, bool reflect) {
  const int64_t size = known_size("pad", x.shape(), static_cast<size_t>(axis), {}), skip = reflect ? 1 : 0;
  expect(!reflect || (before < size && after < size), "{} and {} elements reflected in {}", before, after,
         size);
  const auto side = [&](int64_t begin, int64_t count) {
    if (reflect) return reverse(slice(x, axis, begin, begin + count), axis);
    Shape shape = x.shape();
    shape[static_cast<size_t>(axis)] = count;
    return broadcast_to(slice(x, axis, begin, begin + 1), shape);
  };
  std::vector<Value> parts;
  if (before > 0) parts.push_back(side(skip, before));
  parts.push_back(x);
  if (after > 0) parts.push_back(side(reflect ? size - 1 - after : size - 1, after));
  return parts.size() == 1 ? x : concat(parts, axis);
}

Results read_pad(NodeReader& node) {
  const std::string mode = node.text("mode", "constant");
  expect(mode == "constant" || mode == "reflect" || mode == "edge", "mode '{}' is not carried out", mode);
  const auto pads = node.integers(node.opset() < 2 ? "paddings" : "pads", 1);
  double value = node.real("value", 0);
  if (node.has(2)) value = node.constant(2).item();
  Value x = node.value(0);
  const size_t rank = x.shape().size();
  std::vector<int64_t> all(rank);
  std::iota(all.begin(), all.end(), 0);
  const std::vector<size_t> axes = axes_of(node.has(3) ? node.integers(3) : all, rank);
  expect(pads && pads->size() == 2 * axes.size(), "pads do not fit the rank");
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  expect(std::ranges::all_of(*pads, [](int64_t size) { return size >= -most && size <= most; }),
         "pads beyond 2^31");
  for (size_t k = 0; k < axes.size(); ++k) {
    const int64_t first = (*pads)[k], last = (*pads)[axes.size() + k];
    const int64_t before = std::max<int64_t>(0, first), after = std::max<int64_t>(0, last);
    const auto axis = static_cast<int>(axes[k]);
    if (first < 0 || last < 0)
      x = sliced(x, axes[k], std::max<int64_t>(0, -first), last < 0 ? last : to_the_end, 1);
    if (before == 0 && after == 0) continue;
    x = mode == "constant" ? padded_with(x, axis, before, after, value)
                           : mirrored(x, axis, before, after, mode == "reflect");
  }
  return {x};
}

/// Places of an axis of `size`, of which those counted from the end are negative in the file. What is
/// computed is looked at when it is there.
Value counted_from_zero(NodeReader& node, int k, int64_t size) {
  if (!node.is_constant(k)) {
    const Value index = node.value(k);
    return where(index < 0, index + static_cast<double>(size), index);
  }
  Tensor places = node.constant(k);
  for (int64_t i = 0; i < places.count(); ++i) {
    const double place = places.at(i);
    expect(place >= static_cast<double>(-size) && place < static_cast<double>(size), "element {} of {}",
           place, size);
    if (place < 0) places.set(i, place + static_cast<double>(size));
  }
  return node.graph().constant(places);
}

Results read_gather(NodeReader& node) {
  const size_t rank = node.shape(0).size();
  const size_t axis = axis_of(node.integer("axis", 0), rank);
  if (node.is_sizes(0) && rank == 1 && node.is_sizes(1)) {
    const Sizes from = node.sizes(0);
    Sizes result{.values = {}, .scalar = node.shape(1).empty()};
    for (const int64_t k : node.integers(1))
      result.values.push_back(from.values[axis_of(k, from.values.size())]);
    return {result};
  }
  const Value x = node.value(0);
  const int64_t size = known_size("gather", x.shape(), axis, {});
  if (node.is_constant(1) && node.shape(1).empty()) {
    const int64_t k = node.integers(1).front();
    expect(k >= -size && k < size, "element {} of an axis of {}", k, size);
    const int64_t at = k < 0 ? k + size : k;
    return {squeeze(slice(x, static_cast<int>(axis), at, at + 1), static_cast<int>(axis))};
  }
  const Value index = counted_from_zero(node, 1, size);
  // The axis to the front, and what was looked up back in its place.
  std::vector<int> order(rank);
  std::iota(order.begin(), order.end(), 0);
  std::rotate(order.begin(), order.begin() + static_cast<int64_t>(axis),
              order.begin() + static_cast<int64_t>(axis) + 1);
  const Value found = gather(axis == 0 ? x : transpose(x, order), index);
  if (axis == 0) return {found};
  const size_t places = index.shape().size();
  std::vector<int> back(found.shape().size());
  std::iota(back.begin(), back.end(), 0);
  std::rotate(back.begin(), back.begin() + static_cast<int64_t>(places),
              back.begin() + static_cast<int64_t>(places + axis));
  return {transpose(found, back)};
}

/// One element of x for each place of the index, along one axis. Other axes are as long as those of x.
Results read_gather_elements(NodeReader& node) {
  const Value x = node.value(0);
  const size_t axis = axis_of(node.integer("axis", 0), x.shape().size());
  const Value index = counted_from_zero(node, 1, known_size("gather", x.shape(), axis, {}));
  Shape wanted = x.shape();
  if (index.shape().size() == wanted.size()) wanted[axis] = index.shape()[axis];
  expect(index.shape() == wanted, "places {} in {}", to_string(index.shape()), to_string(x.shape()));
  Resolved resolved{.shape = wanted};
  for (size_t d = 0; d < wanted.size(); ++d) {
    resolved.loops.labels.push_back({fmt::format("d{}", d), wanted[d]});
    resolved.loops.write.push_back({.terms = {{static_cast<int>(d), 1}}});
  }
  Access at = resolved.loops.write;
  at[axis] = {.lookup = 1};
  resolved.loops.reads = {std::move(at), resolved.loops.write};
  const auto op =
      std::make_shared<const Op>(Op{.name = "gather_elements",
                                    .doc = "Elements by their place along an axis; 0 for one outside.",
                                    .body = [](Scalar value, Scalar) { return value; }});
  return {node.graph().apply_resolved(op, std::move(resolved), {x, index}, x.type(), {})};
}

constexpr OperatorRow rows[] = {{"Concat", read_concat},
                                {"Expand", read_expand},
                                {"Flatten", read_flatten},
                                {"Gather", read_gather},
                                {"GatherElements", read_gather_elements},
                                {"Pad", read_pad},
                                {"Reshape", read_reshape},
                                {"Slice", read_slice},
                                {"Split", read_split},
                                {"Squeeze", read_squeeze},
                                {"Transpose", read_transpose},
                                {"Unsqueeze", read_unsqueeze}};

}  // namespace

std::span<const OperatorRow> movement_operators() { return rows; }

}  // namespace crease::onnx
