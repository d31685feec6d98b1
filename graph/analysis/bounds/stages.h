// A network as what linear bounds need: vectors of numbers, each a sum of weights times earlier numbers, a
// function of one earlier number, or a sum of products of two. Bodies of operations are taken apart into
// these: max(a, b) is b + relu(a - b), a quotient a product with a reciprocal.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/analysis/bounds/loop_nest.h"
#include "graph/analysis/bounds/node_bounds.h"
#include "graph/analysis/bounds/point_curves.h"

namespace crease {

/// Adds weight * source[from] to element `to`; the weight is known up to `radius`.
struct SparseEntry {
  int32_t to, from;
  double weight, radius;
};

/// Part of a sum: sparse, or loops over stored weights (none: all are 1).
struct StageTerm {
  int source = -1;
  std::vector<SparseEntry> entries = {};
  std::optional<LoopNest> nest = {};  // accesses: result, weight, source
  const double* weights = nullptr;    // of a node's bounds
};

/// Adds left[a] * right[b] to element `to`.
struct ProductEntry {
  int32_t to, a, b;
};

/// Given: known by its intervals alone. Affine: bias + terms. Curve: curves[i](source[i]). Product: as its
/// entries say.
enum class StageKind : uint8_t { Given, Affine, Curve, Product };

struct Stage {
  StageKind kind = StageKind::Given;
  NodeId node = -1;              // whose values these are; -1: part of a node's computation
  std::string name = {};         // of what an opaque stage is, for reports
  std::vector<Interval> bounds;  // known without linear bounds
  std::vector<StageTerm> terms = {};
  std::vector<Interval> bias = {};        // empty: 0
  int source = -1, right = -1;            // Curve; Product
  std::vector<ScalarCurve*> curves = {};  // one for all, or one for each
  std::vector<ProductEntry> products = {};

  int64_t size() const { return static_cast<int64_t>(bounds.size()); }
  ScalarCurve* curve(int64_t i) const {
    return curves.size() == 1 ? curves[0] : curves[static_cast<size_t>(i)];
  }
};

/// The stages of what some nodes need, for one sample, in order: each reads only earlier ones.
struct StagedNetwork {
  std::vector<NodeBounds> intervals;  // by node; stages refer to the constants in it
  std::shared_ptr<CurvePool> pool;
  std::vector<Stage> stages;
  std::vector<int> stage_of;        // by node; -1: constant, or not needed
  std::vector<std::string> opaque;  // nodes that are known by their intervals alone, and why
};

/// Takes over the intervals of node_bounds(). Nodes with more than `point_limit` loop points that are no
/// weighted sums are opaque.
StagedNetwork stages_of(const Graph& graph, std::vector<NodeBounds> intervals,
                        const std::vector<NodeId>& wanted, int64_t point_limit = int64_t{1} << 23);

}  // namespace crease
