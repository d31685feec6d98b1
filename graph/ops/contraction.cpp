#include "graph/ops/contraction.h"

#include <algorithm>

#include "graph/error.h"
#include "graph/graph.h"
#include "graph/ops/axes.h"
#include "graph/rational.h"

namespace crease {
namespace {

Scalar product_body(const Scalar& x, const Scalar& w) { return x * w; }

int64_t at(const std::vector<int64_t>& values, size_t axis) {
  return values[std::min(axis, values.size() - 1)];
}

/// Labels of a convolution, in loop order, and one more pair (position, tap) for each spatial axis.
enum : int { Batch, Group, Out, In, First };

/// Channel `within` of group `Group`. A group of no channels has no points, but wants a term.
AffineIndex channel(int64_t per_group, int within) {
  return {.terms = {{Group, std::max<int64_t>(1, per_group)}, {within, 1}}};
}

int64_t output_size(const char* name, int64_t size, int64_t taps, int64_t stride, int64_t padding,
                    int64_t dilation, const std::source_location& where) {
  const Int128 padded = size + 2 * Int128{padding}, window = Int128{dilation} * (taps - 1) + 1;
  expect(
      stride > 0 && padding >= 0 && dilation > 0 && taps > 0 && window <= padded && padded <= most_elements,
      "[{}] kernel size {}, stride {}, padding {}, dilation {} do not fit size {} (at {})", name, taps,
      stride, padding, dilation, size, to_string(where));
  return static_cast<int64_t>(padded - window) / stride + 1;
}

void expect_channels(const char* name, const Operand& x, const Operand& kernel, const ConvOptions& options,
                     size_t axes) {
  const Shape &xs = x.value.shape(), &ks = kernel.value.shape();
  expect(xs.size() == axes + 2 && ks.size() == axes + 2,
         "[{}] wants x and kernel with {} dimensions, got {} and {} (at {})", name, axes + 2, to_string(xs),
         to_string(ks), to_string(x.where));
  expect(!options.stride.empty() && !options.padding.empty() && !options.dilation.empty(),
         "[{}] stride, padding and dilation need one size or one an axis (at {})", name, to_string(x.where));
  const int64_t groups = options.groups, in = known_size(name, xs, 1, x.where),
                out = known_size(name, ks, 0, x.where), per_group = known_size(name, ks, 1, x.where);
  expect(groups > 0 && in % groups == 0 && out % groups == 0 && per_group == in / groups,
         "[{}] x {} and kernel {} do not fit {} groups: the kernel's second size must be {} input channels / "
         "groups (at {})",
         name, to_string(xs), to_string(ks), groups, in, to_string(x.where));
}

Value convolution(const char* name, const Operand& x, const Operand& kernel, const ConvOptions& options,
                  size_t axes) {
  expect_channels(name, x, kernel, options, axes);
  expect(x.value.same_graph(kernel.value), "[{}] x and kernel belong to different graphs (at {})", name,
         to_string(x.where));
  const Shape &xs = x.value.shape(), &ks = kernel.value.shape();
  const int64_t per_group_in = ks[1].size(), per_group_out = ks[0].size() / options.groups;
  Resolved resolved{.shape = {xs[0], ks[0]}};
  Loops& loops = resolved.loops;
  loops.labels = {{"n", xs[0]}, {"g", options.groups}, {"o", per_group_out}, {"c", per_group_in}};
  const AffineIndex out_channel = channel(per_group_out, Out);
  Access read_x{{.terms = {{Batch, 1}}}, channel(per_group_in, In)};
  Access read_k{out_channel, {.terms = {{In, 1}}}};
  loops.write = {{.terms = {{Batch, 1}}}, out_channel};
  for (size_t axis = 0; axis < axes; ++axis) {
    const int64_t stride = at(options.stride, axis), padding = at(options.padding, axis),
                  dilation = at(options.dilation, axis);
    const int64_t taps = known_size(name, ks, 2 + axis, x.where);
    const int64_t size =
        output_size(name, known_size(name, xs, 2 + axis, x.where), taps, stride, padding, dilation, x.where);
    const int position = First + 2 * static_cast<int>(axis);
    const std::string suffix = axes == 1 ? "x" : (axis == 0 ? "y" : "x");
    loops.labels.push_back({suffix, size});
    loops.labels.push_back({"k" + suffix, taps});
    read_x.push_back({.terms = {{position, stride}, {position + 1, dilation}}, .offset = -padding});
    read_k.push_back({.terms = {{position + 1, 1}}});
    loops.write.push_back({.terms = {{position, 1}}});
    resolved.shape.emplace_back(size);
  }
  loops.reads = {std::move(read_x), std::move(read_k)};
  auto op = std::make_shared<Op>(
      Op{.name = name, .doc = "Cross-correlation.", .body = product_body, .combine = Combine::Sum});
  return x.value.graph().apply_resolved(op, std::move(resolved), {x.value, kernel.value},
                                        promote(x.value.type(), kernel.value.type()), x.where);
}

/// The shape of x before a convolution along one axis gave `size`.
int64_t input_size(const char* name, int64_t size, int64_t taps, int64_t stride, int64_t padding,
                   int64_t dilation, int64_t extra, const std::source_location& where) {
  const Int128 window = Int128{dilation} * (taps - 1) + 1,
               padded = (size - 1) * Int128{stride} + window + extra, result = padded - 2 * Int128{padding};
  expect(
      stride > 0 && padding >= 0 && dilation > 0 && taps > 0 && extra >= 0 && extra < stride && size > 0 &&
          result > 0 && padded <= most_elements,
      "[{}] kernel size {}, stride {}, padding {}, dilation {}, output padding {} do not fit size {} (at {})",
      name, taps, stride, padding, dilation, extra, size, to_string(where));
  return static_cast<int64_t>(result);
}

/// The loops of a convolution with the accesses of x and y exchanged.
Value transposed_convolution(const char* name, const Operand& x, const Operand& kernel,
                             const ConvTransposeOptions& options, size_t axes) {
  const Shape &xs = x.value.shape(), &ks = kernel.value.shape();
  expect(xs.size() == axes + 2 && ks.size() == axes + 2,
         "[{}] wants x and kernel with {} dimensions, got {} and {} (at {})", name, axes + 2, to_string(xs),
         to_string(ks), to_string(x.where));
  expect(!options.stride.empty() && !options.padding.empty() && !options.dilation.empty() &&
             !options.output_padding.empty(),
         "[{}] stride, padding, dilation and output padding need one size or one an axis (at {})", name,
         to_string(x.where));
  const int64_t in = known_size(name, xs, 1, x.where);
  expect(options.groups > 0 && xs[1] == ks[0] && in % options.groups == 0,
         "[{}] x {} and kernel {} do not fit {} groups: the kernel's first size must be the {} input "
         "channels (at {})",
         name, to_string(xs), to_string(ks), options.groups, in, to_string(x.where));
  expect(x.value.same_graph(kernel.value), "[{}] x and kernel belong to different graphs (at {})", name,
         to_string(x.where));
  const int64_t per_group_in = in / options.groups, per_group_out = known_size(name, ks, 1, x.where);
  expect(Int128{per_group_out} * options.groups <= most_elements,
         "[{}] {} groups of {} channels are more than a tensor can hold (at {})", name, options.groups,
         per_group_out, to_string(x.where));
  Resolved resolved{.shape = {xs[0], per_group_out * options.groups}};
  Loops& loops = resolved.loops;
  loops.labels = {{"n", xs[0]}, {"g", options.groups}, {"o", per_group_out}, {"c", per_group_in}};
  const AffineIndex in_channel = channel(per_group_in, In);
  Access read_x{{.terms = {{Batch, 1}}}, in_channel};
  Access read_k{in_channel, {.terms = {{Out, 1}}}};
  loops.write = {{.terms = {{Batch, 1}}}, channel(per_group_out, Out)};
  for (size_t axis = 0; axis < axes; ++axis) {
    const int64_t stride = at(options.stride, axis), padding = at(options.padding, axis),
                  dilation = at(options.dilation, axis), taps = known_size(name, ks, 2 + axis, x.where);
    const int64_t size = input_size(name, known_size(name, xs, 2 + axis, x.where), taps, stride, padding,
                                    dilation, at(options.output_padding, axis), x.where);
    const int position = First + 2 * static_cast<int>(axis);
    const std::string suffix = axes == 1 || axis == 1 ? "x" : "y";
    loops.labels.push_back({suffix, xs[2 + axis]});
    loops.labels.push_back({"k" + suffix, taps});
    read_x.push_back({.terms = {{position, 1}}});
    read_k.push_back({.terms = {{position + 1, 1}}});
    loops.write.push_back({.terms = {{position, stride}, {position + 1, dilation}}, .offset = -padding});
    resolved.shape.emplace_back(size);
  }
  loops.reads = {std::move(read_x), std::move(read_k)};
  auto op = std::make_shared<Op>(Op{
      .name = name, .doc = "Transposed cross-correlation.", .body = product_body, .combine = Combine::Sum});
  return x.value.graph().apply_resolved(op, std::move(resolved), {x.value, kernel.value},
                                        promote(x.value.type(), kernel.value.type()), x.where);
}

}  // namespace

const Op matmul{.name = "matmul",
                .doc = "y[..., j] = sum_i x[..., i] W[i, j].",
                .loops = "... i, i j -> ... j",
                .body = product_body,
                .combine = Combine::Sum};

const Op matmul_transposed{.name = "matmul_transposed",
                           .doc = "y[..., j] = sum_i x[..., i] W[j, i].",
                           .loops = "... i, j i -> ... j",
                           .body = product_body,
                           .combine = Combine::Sum};

const Op batched_matmul{.name = "batched_matmul",
                        .doc = "y[n, b, j] = sum_i x[n, b, i] W[n, i, j].",
                        .loops = "n b i, n i j -> n b j",
                        .body = product_body,
                        .combine = Combine::Sum};

const Op outer{.name = "outer", .doc = "y[i, j] = u[i] v[j].", .loops = "i, j -> i j", .body = product_body};

Value einsum(const std::string& loops, const std::vector<Value>& factors, std::source_location where) {
  expect(!factors.empty() && factors[0].valid(), "[einsum] of nothing (at {})", to_string(where));
  Scalar product = Scalar::argument(0);
  for (size_t i = 1; i < factors.size(); ++i) product = product * Scalar::argument(static_cast<int>(i));
  const Op op{.name = "einsum",
              .doc = "Sums of products over the labels that the result lacks.",
              .loops = loops,
              .body = Body(static_cast<int>(factors.size()), product),
              .combine = Combine::Sum};
  return factors[0].graph().apply(std::make_shared<const Op>(op), factors, where);
}

Value conv1d(const Operand& x, const Operand& kernel, const ConvOptions& options) {
  return convolution("conv1d", x, kernel, options, 1);
}
Value conv2d(const Operand& x, const Operand& kernel, const ConvOptions& options) {
  return convolution("conv2d", x, kernel, options, 2);
}

Value conv_transpose1d(const Operand& x, const Operand& kernel, const ConvTransposeOptions& options) {
  return transposed_convolution("conv_transpose1d", x, kernel, options, 1);
}
Value conv_transpose2d(const Operand& x, const Operand& kernel, const ConvTransposeOptions& options) {
  return transposed_convolution("conv_transpose2d", x, kernel, options, 2);
}

}  // namespace crease
