// Convolutions as layers, and pooling as layers without parameters.
#pragma once

#include "frontends/layers.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"

namespace crease {

/// One size for all axes, or one each.
struct ConvLayerOptions {
  std::vector<int64_t> stride = {1};
  std::vector<int64_t> padding = {0};
  std::vector<int64_t> dilation = {1};
  int64_t groups = 1;
  bool bias = true;
  Init init = he_normal;
  Init bias_init = zeros;
};

/// Cross-correlation and bias. Shapes: x [n, in, w], weight [out, in/groups, k], bias [out] -> [n, out, wo];
/// two dimensions alike. Fan-in: in/groups times the taps. Errors: Error unless in and out are positive
/// multiples of groups and x fits.
Layer conv1d(int64_t in, int64_t out, int64_t taps, const ConvLayerOptions& options = {},
             std::source_location where = std::source_location::current());
Layer conv2d(int64_t in, int64_t out, std::vector<int64_t> taps, const ConvLayerOptions& options = {},
             std::source_location where = std::source_location::current());

struct ConvTransposeLayerOptions {
  ConvTransposeOptions shape = {};
  bool bias = true;
  Init init = he_normal;
  Init bias_init = zeros;
};

/// Transposed convolution and bias. Shapes: x [n, in, w], weight [in, out/groups, k] -> [n, out, wo], see
/// conv_transpose1d. Errors: as conv1d.
Layer conv_transpose1d(int64_t in, int64_t out, int64_t taps, const ConvTransposeLayerOptions& options = {},
                       std::source_location where = std::source_location::current());
Layer conv_transpose2d(int64_t in, int64_t out, std::vector<int64_t> taps,
                       const ConvTransposeLayerOptions& options = {},
                       std::source_location where = std::source_location::current());

// Shapes: [n, c, w] or [n, c, h, w], see graph/ops/reduction.h.
Layer max_pool1d(const PoolOptions& options);
Layer max_pool2d(const PoolOptions& options);
Layer average_pool1d(const PoolOptions& options);
Layer average_pool2d(const PoolOptions& options);
/// Over all positions: [n, c, ...] -> [n, c].
Layer global_max_pool();
Layer global_average_pool();

/// [n, ...] -> [n, product of the rest].
Layer flatten();
/// [n, ...] -> [n, sizes...]. Errors: Error unless the elements fit.
Layer reshape_samples(std::vector<int64_t> sizes);
/// The greatest of `pieces` consecutive features along an axis.
Layer maxout(int64_t pieces, int axis = -1);

}  // namespace crease
