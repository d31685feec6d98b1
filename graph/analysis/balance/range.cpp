#include "graph/analysis/balance/range.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "graph/analysis/balance/samples.h"
#include "graph/analysis/bounds/box_analysis.h"
#include "graph/analysis/points.h"
#include "graph/error.h"

namespace crease {
namespace {

/// Greatest number and least normal number. Source: IEEE 754 binary16; bfloat16 has the exponents of
/// binary32.
struct Limits {
  double greatest, least_normal;
};

Limits limits_of(NarrowFormat format) {
  switch (format) {
    case NarrowFormat::Fp16: return {65504, 0x1p-14};
    case NarrowFormat::Bf16: return {0x1.fep127, 0x1p-126};
    case NarrowFormat::Int8: return {INFINITY, 0};  // the scale follows the tensor
  }
  return {};
}

/// The least greatest entry of a row along any axis, in units of 1/127 of the tensor's greatest.
double weakest_steps(const Tensor& value) {
  double greatest = 0, weakest = INFINITY;
  for (int64_t i = 0; i < value.count(); ++i) greatest = std::max(greatest, std::abs(value.at(i)));
  if (greatest == 0) return 127;
  int64_t stride = 1;
  for (size_t axis = value.sizes().size(); axis-- > 0;) {
    std::vector<double> rows(static_cast<size_t>(value.sizes()[axis]), 0);
    for (int64_t i = 0; i < value.count(); ++i) {
      double& row = rows[static_cast<size_t>(i / stride % value.sizes()[axis])];
      row = std::max(row, std::abs(value.at(i)));
    }
    for (const double row : rows)
      if (row > 0) weakest = std::min(weakest, row);
    stride *= value.sizes()[axis];
  }
  return 127 * weakest / greatest;
}

}  // namespace

std::string_view to_string(NarrowFormat format) {
  switch (format) {
    case NarrowFormat::Fp16: return "fp16";
    case NarrowFormat::Bf16: return "bf16";
    case NarrowFormat::Int8: return "int8";
  }
  return "";
}

NarrowFormat parse_narrow_format(std::string_view name) {
  for (const NarrowFormat format : {NarrowFormat::Fp16, NarrowFormat::Bf16, NarrowFormat::Int8})
    if (name == to_string(format)) return format;
  fail("[range] no such number format: got '{}', want fp16, bf16 or int8", name);
}

double greatest_number(NarrowFormat format) { return limits_of(format).greatest; }

RangeFit range_fit(const Graph& graph, NarrowFormat format, int64_t samples, uint64_t seed) {
  RangeFit fit{.smallest = INFINITY};
  const Limits limits = limits_of(format);
  for (const NodeId id : graph.parameters()) {
    const Tensor& value = graph.node(id).value;
    for (int64_t i = 0; i < value.count(); ++i) {
      const double size = std::abs(value.at(i));
      if (size == 0) continue;
      fit.largest = std::max(fit.largest, size);
      fit.smallest = std::min(fit.smallest, size);
      if (size > limits.greatest) ++fit.too_large;
      if (size < limits.least_normal) ++fit.too_small;
    }
    if (format == NarrowFormat::Int8 && value.sizes().size() >= 2)
      fit.steps = std::min(fit.steps, weakest_steps(value));
  }
  for (const OrbitValues& tensor : value_sizes(graph, samples, seed)) {
    const double largest = tensor.sizes.empty() ? 0 : std::ranges::max(tensor.sizes);
    if (largest > limits.greatest) fit.overflowing.push_back({tensor.tensor, largest});
  }
  return fit;
}

std::vector<OrbitValues> bounded_sizes(const Graph& graph, const InputBox& box) {
  const BoxAnalysis bounds(graph, box);
  std::vector<OrbitValues> result;
  for (const NodeId id : bounds.nodes()) {
    const Node& node = graph.node(id);
    if (node.role != Role::Apply || !is_floating(node.type)) continue;
    OrbitValues& values = result.emplace_back(OrbitValues{.tensor = id, .sizes = {}});
    for (int64_t i = 0; i < sample_count(node.shape); ++i) {
      const Interval best = bounds.best(id, i).outer;
      values.sizes.push_back(best.is_finite() ? std::max(std::abs(best.low), std::abs(best.high)) : 0);
    }
  }
  return result;
}

namespace {

/// Element with the greatest bound, and this bound.
std::pair<int64_t, double> greatest_bound(const BoxAnalysis& bounds, NodeId id) {
  std::pair<int64_t, double> greatest{0, 0};
  for (int64_t i = 0; i < sample_count(bounds.graph().node(id).shape); ++i) {
    const Interval best = bounds.best(id, i).outer;
    const double bound = std::max(std::abs(best.low), std::abs(best.high));
    if (!(bound <= greatest.second)) greatest = {i, bound};
  }
  return greatest;
}

}  // namespace

BoxFit box_fit(const Graph& graph, NarrowFormat format, const InputBox& box, int64_t samples, uint64_t seed) {
  expect(format != NarrowFormat::Int8, "[range] int8 has no range of its own: got int8, want fp16 or bf16");
  const BoxAnalysis bounds(graph, box);
  std::map<NodeId, std::vector<double>> reached;
  for (OrbitValues& tensor : value_sizes(graph, samples, seed, box))
    reached[tensor.tensor] = std::move(tensor.sizes);
  BoxFit fit;
  for (const NodeId id : bounds.nodes()) {
    if (!is_floating(graph.node(id).type)) continue;
    const auto [element, bound] = greatest_bound(bounds, id);
    if (fit.largest < 0 || bound > fit.bound) {
      fit.largest = id;
      fit.bound = bound;
    }
    if (bound <= greatest_number(format)) continue;
    const auto seen = reached.find(id);
    // Parameters have their values; sides of the box are reached.
    fit.overflowing.push_back(
        {id, element, bound, seen == reached.end() ? bound : seen->second[static_cast<size_t>(element)]});
  }
  return fit;
}

}  // namespace crease
