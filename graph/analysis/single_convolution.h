// Whether an affine map of images is one convolution: found in the exact matrix, not in the operations that
// made it, so that padding between two convolutions and biases that reach the border are judged as they are.
#pragma once

#include "graph/analysis/linearity.h"

namespace crease {

/// sink[o, p] = bias[o] + sum over i and taps t of kernel[o, i, t] * source[i, stride * p + t - padding],
/// where taps outside of the source add nothing (cross-correlation with zero padding).
struct SingleConvolution {
  NodeId source = -1;
  std::vector<int64_t> stride, padding;  // by spatial axis
  std::vector<int64_t> sizes;            // of the kernel: [outputs, inputs, taps by axis...]
  std::vector<Rational> kernel;          // row-major
  std::vector<Rational> bias;            // by output channel
  /// Multiplications for one sample.
  int64_t multiplications = 0;
};

/// The convolution that a form is: a form over one node, both of shape [channels, spatial axis, ...] in one
/// sample (named dimensions and leading ones left out). Nothing if it is none. Strides are tried from 1.
/// Cost: one pass over the matrix for each stride.
std::optional<SingleConvolution> single_convolution(const Graph& graph, const AffineForm& form);

}  // namespace crease
