#include "graph/ops/reduction.h"

#include <algorithm>
#include <numeric>

#include "graph/error.h"
#include "graph/graph.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/axes.h"
#include "graph/ops/movement.h"
#include "graph/rational.h"

namespace crease {
namespace {

const Op norm_root{.name = "norm2",
                   .doc = "Root of a sum of squares. Slope 0 at 0.",
                   .body = [](Scalar x) { return sqrt(x); },
                   .attributes = {{"slope_at_0", 0}}};

std::vector<int> axes_or_all(const char* op, const Axes& axes, const Operand& x) {
  if (!axes.empty()) return checked_axes(op, axes, x.value.shape(), x.where);
  std::vector<int> all(x.value.shape().size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

Value reduce(const char* name, Combine combine, const Operand& x, const Axes& axes, bool keep,
             const Op& of = identity) {
  const Shape& shape = x.value.shape();
  const std::vector<int> reduced = axes_or_all(name, axes, x);
  Resolved resolved;
  resolved.loops.reads.emplace_back();
  for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
    const Dim& extent = shape[static_cast<size_t>(d)];
    resolved.loops.labels.push_back({"d" + std::to_string(d), extent});
    resolved.loops.reads[0].push_back({.terms = {{d, 1}}});
    const bool gone = std::find(reduced.begin(), reduced.end(), d) != reduced.end();
    if (gone && !keep) continue;
    resolved.loops.write.push_back(gone ? AffineIndex{} : AffineIndex{.terms = {{d, 1}}});
    resolved.shape.push_back(gone ? Dim(1) : extent);
  }
  auto op = std::make_shared<Op>(of);
  op->name = name;
  op->doc = std::string(name) + " over " + std::to_string(reduced.size()) + " axes.";
  op->combine = combine;
  return x.value.graph().apply_resolved(op, std::move(resolved), {x.value},
                                        gives_position(combine) ? Type::i64 : x.value.type(), x.where);
}

int64_t at(const std::vector<int64_t>& values, size_t axis) {
  return values[std::min(axis, values.size() - 1)];
}

Value pool(const char* name, Combine combine, const Operand& x, const PoolOptions& options, size_t axes) {
  const Shape& shape = x.value.shape();
  const std::vector<int64_t>& strides = options.stride.empty() ? options.window : options.stride;
  expect(shape.size() == axes + 2, "[{}] wants {}, got {} (at {})", name,
         axes == 1 ? "[n, c, w]" : "[n, c, h, w]", to_string(shape), to_string(x.where));
  expect(!options.window.empty() && !options.padding.empty(),
         "[{}] window and padding need one size or one an axis (at {})", name, to_string(x.where));
  Resolved resolved{.shape = {shape[0], shape[1]}};
  resolved.loops.labels = {{"n", shape[0]}, {"c", shape[1]}};
  Access read{{.terms = {{0, 1}}}, {.terms = {{1, 1}}}};
  resolved.loops.write = read;
  for (size_t axis = 0; axis < axes; ++axis) {
    const int64_t size = known_size(name, shape, 2 + axis, x.where), window = at(options.window, axis),
                  stride = at(strides, axis), padding = at(options.padding, axis);
    const Int128 padded = size + 2 * Int128{padding};
    expect(window > 0 && stride > 0 && padding >= 0 && padding < window && window <= padded &&
               padded <= most_elements,
           "[{}] window {}, stride {}, padding {} do not fit size {} (at {})", name, window, stride, padding,
           size, to_string(x.where));
    const Dim extent = static_cast<int64_t>(padded - window) / stride + 1;
    const int position = static_cast<int>(resolved.loops.labels.size());
    resolved.loops.labels.push_back({axis + 1 < axes ? "y" : "x", extent});
    resolved.loops.labels.push_back({axis + 1 < axes ? "ky" : "kx", window});
    read.push_back({.terms = {{position, stride}, {position + 1, 1}}, .offset = -padding});
    resolved.loops.write.push_back({.terms = {{position, 1}}});
    resolved.shape.push_back(extent);
  }
  resolved.loops.reads = {std::move(read)};
  auto op = std::make_shared<Op>(identity);
  op->name = name;
  op->doc = "Pooling over windows.";
  op->combine = combine;
  return x.value.graph().apply_resolved(op, std::move(resolved), {x.value}, x.value.type(), x.where);
}

void expect_floating(const char* name, const Operand& x) {
  expect(is_floating(x.value.type()), "[{}] wants floating point, got {} (at {})", name,
         to_string(x.value.type()), to_string(x.where));
}

Value average_pool(const char* name, const Operand& x, const PoolOptions& options, size_t axes) {
  expect_floating(name, x);
  const Value total = pool(name, Combine::Sum, x, options, axes);
  double count = 1;
  for (size_t axis = 0; axis < axes; ++axis) count *= static_cast<double>(at(options.window, axis));
  return divide_by(count)(total, x.where);
}

}  // namespace

Value sum(const Operand& x, const Axes& axes, bool keep) {
  return reduce("sum", Combine::Sum, x, axes, keep);
}
Value product(const Operand& x, const Axes& axes, bool keep) {
  return reduce("product", Combine::Product, x, axes, keep);
}
Value reduce_max(const Operand& x, const Axes& axes, bool keep) {
  return reduce("reduce_max", Combine::Max, x, axes, keep);
}
Value reduce_min(const Operand& x, const Axes& axes, bool keep) {
  return reduce("reduce_min", Combine::Min, x, axes, keep);
}

Value norm2(const Operand& x, const Axes& axes, bool keep) {
  const Value squares = reduce("sum_of_squares", Combine::Sum, x, axes, keep, square);
  return norm_root(squares, x.where);
}

bool is_norm_root(const Op& op) { return op.attributes == norm_root.attributes; }

Value mean(const Operand& x, const Axes& axes, bool keep) {
  expect_floating("mean", x);
  std::vector<Dim> sizes;
  for (const int axis : axes_or_all("mean", axes, x))
    sizes.push_back(x.value.shape()[static_cast<size_t>(axis)]);
  return scale_by_sizes(1, sizes)(sum(x, axes, keep), x.where);
}

Value argmax(const Operand& x, int axis) { return reduce("argmax", Combine::ArgMax, x, {axis}, false); }
Value argmin(const Operand& x, int axis) { return reduce("argmin", Combine::ArgMin, x, {axis}, false); }

Value max_pool1d(const Operand& x, const PoolOptions& options) {
  return pool("max_pool1d", Combine::Max, x, options, 1);
}
Value max_pool2d(const Operand& x, const PoolOptions& options) {
  return pool("max_pool2d", Combine::Max, x, options, 2);
}

Value average_pool1d(const Operand& x, const PoolOptions& options) {
  return average_pool("average_pool1d", x, options, 1);
}
Value average_pool2d(const Operand& x, const PoolOptions& options) {
  return average_pool("average_pool2d", x, options, 2);
}

Value maxout(const Operand& x, int64_t pieces, int axis) {
  Shape shape = x.value.shape();
  const auto d = static_cast<size_t>(checked_axis("maxout", axis, shape, x.where));
  const int64_t size = known_size("maxout", shape, d, x.where);
  expect(pieces > 0 && size % pieces == 0,
         "[maxout] {} features of {} do not split into groups of {} (at {})", size, to_string(shape), pieces,
         to_string(x.where));
  shape[d] = size / pieces;
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(d) + 1, pieces);
  return reduce("maxout", Combine::Max, {reshape(x, shape), x.where}, {static_cast<int>(d) + 1}, false);
}

}  // namespace crease
