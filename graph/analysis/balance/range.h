// How the parameters of a network fit a narrow number format: what rescaling them can repair.
#pragma once

#include <string>
#include <vector>

#include "graph/analysis/balance/orbit.h"
#include "graph/analysis/bounds/node_bounds.h"
#include "graph/graph.h"

namespace crease {

enum class NarrowFormat : uint8_t { Fp16, Bf16, Int8 };
std::string_view to_string(NarrowFormat format);
/// "fp16", "bf16" or "int8". Errors: Error that lists them.
NarrowFormat parse_narrow_format(std::string_view name);

/// The greatest finite one; infinite for int8, whose scale follows the tensor.
double greatest_number(NarrowFormat format);

/// A computed tensor that was seen too large for the format.
struct OverflowingTensor {
  NodeId tensor;
  double largest;
};

/// Floating formats: numbers that leave their range. int8 (one scale a tensor, 127 steps to each side): how
/// coarse the smallest unit gets.
struct RangeFit {
  int64_t too_large = 0;  // parameters beyond the greatest number
  int64_t too_small = 0;  // parameters, not 0, below the least normal number
  double largest = 0;     // |parameter|
  double smallest = 0;    // |parameter| that is not 0
  double steps = 127;     // int8: steps that the weakest row or column of a weight matrix reaches
  std::vector<OverflowingTensor> overflowing = {};  // observed on random inputs
};
/// `samples`: random inputs of normal distribution on which computed tensors are watched.
RangeFit range_fit(const Graph& graph, NarrowFormat format, int64_t samples = 0, uint64_t seed = 1);

/// A tensor, input or parameter that is not proved to stay within the format on a box.
struct BoxOverflow {
  NodeId tensor;
  int64_t element;  // the one with the greatest bound
  double bound;     // greatest |value| by the bounds
  double reached;   // greatest |value| at the points of the box that were tried
};

/// Proved by bounds over a box: every node whose bound fits stays within the format, for all inputs there.
struct BoxFit {
  NodeId largest = -1;  // the node with the greatest bound
  double bound = 0;
  std::vector<BoxOverflow> overflowing = {};  // in the graph's order
};
/// `samples`: points of the box at which the network is run. Errors: those of box_of; Error for int8, whose
/// scale follows the tensor.
BoxFit box_fit(const Graph& graph, NarrowFormat format, const InputBox& box, int64_t samples,
               uint64_t seed = 1);

/// Greatest |v| of each element of each computed floating tensor, by bounds over the box; elements without
/// finite bound are 0.
std::vector<OrbitValues> bounded_sizes(const Graph& graph, const InputBox& box);

}  // namespace crease
