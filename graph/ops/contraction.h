// Sums of products: matrix product, batched product, outer product, convolution.
#pragma once

#include "graph/op.h"
#include "graph/value.h"

namespace crease {

/// y[..., b, j] = sum_i x[..., b, i] W[i, j].
extern const Op matmul;
/// y[..., b, j] = sum_i x[..., b, i] W[j, i]: W transposed.
extern const Op matmul_transposed;
/// y[n, b, j] = sum_i x[n, b, i] W[n, i, j].
extern const Op batched_matmul;
/// y[i, j] = u[i] v[j].
extern const Op outer;

/// Sums of products over the labels that the result lacks: einsum("b i, i j -> b j", {x, w}) is matmul. The
/// pattern is that of Op::loops, with a blank between labels (parse_pattern). Errors: those of Op's call;
/// Error for no factors.
Value einsum(const std::string& loops, const std::vector<Value>& factors,
             std::source_location where = std::source_location::current());

/// Strides, zero padding on both ends, and dilation, by axis; groups split channels.
struct ConvOptions {
  std::vector<int64_t> stride = {1};  // one for all axes, or one each
  std::vector<int64_t> padding = {0};
  std::vector<int64_t> dilation = {1};
  int64_t groups = 1;
};

/// Cross-correlation. Shapes: x [n, ci, w], K [co, ci/groups, kw] -> [n, co, wo], wo = (w + 2 padding -
/// dilation (kw - 1) - 1) / stride + 1. Errors: Error if shapes, groups or options do not fit; the message
/// has the sizes.
Value conv1d(const Operand& x, const Operand& kernel, const ConvOptions& options = {});
/// Shapes: x [n, ci, h, w], K [co, ci/groups, kh, kw] -> [n, co, ho, wo].
Value conv2d(const Operand& x, const Operand& kernel, const ConvOptions& options = {});

/// Options of a transposed convolution: those of the convolution that it is the adjoint of.
struct ConvTransposeOptions {
  std::vector<int64_t> stride = {1};  // one for all axes, or one each
  std::vector<int64_t> padding = {0};
  std::vector<int64_t> dilation = {1};
  std::vector<int64_t> output_padding = {0};  // further elements at the end, fewer than the stride
  int64_t groups = 1;
};

/// The adjoint of conv1d with respect to x. Shapes: x [n, ci, w], K [ci, co/groups, kw] -> [n, co, wo], wo =
/// (w - 1) stride - 2 padding + dilation (kw - 1) + 1 + output padding. Errors: as conv1d. Source: Zeiler et
/// al. 2010.
Value conv_transpose1d(const Operand& x, const Operand& kernel, const ConvTransposeOptions& options = {});
/// Shapes: x [n, ci, h, w], K [ci, co/groups, kh, kw] -> [n, co, ho, wo].
Value conv_transpose2d(const Operand& x, const Operand& kernel, const ConvTransposeOptions& options = {});

}  // namespace crease
