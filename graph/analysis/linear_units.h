// Hidden layers without activation. Their units can be mixed by any invertible matrix A, and not only scaled:
// W1 -> A W1, b1 -> A b1, W2 -> W2 A^-1; and moved, b1 -> b1 + c, b2 -> b2 - W2 c. So GL(n) and R^n act, and
// gradient flow conserves the matrix W1 W1^T + b1 b1^T - W2^T W2.
// Level: structure. Found: layers between two dense products, through reshapes and one bias, each weight
// being read once. Source: docs/analyses.md; Du, Hu, Lee 2018 for the matrix.
#pragma once

#include <vector>

#include "graph/analysis/finding.h"
#include "graph/graph.h"
#include "graph/rational.h"

namespace crease {

/// A layer of units that are only passed on.
struct LinearUnits {
  NodeId tensor = -1;  // the units, after their bias if they have one
  int64_t units = 0;
  NodeId incoming = -1, outgoing = -1;       // weights [.., ..]
  int incoming_axis = 0, outgoing_axis = 0;  // along which the units lie
  NodeId bias = -1;                          // of the units; -1: none
  bool moves = false;                        // a later bias takes up a translation

  int64_t dimension() const { return units * units; }
  int64_t dimension_with_translation() const { return dimension() + (moves ? units : 0); }
};
std::vector<LinearUnits> linear_units(const Graph& graph);

/// W1 W1^T + b1 b1^T - W2^T W2, row by row, exactly. Errors: Error if a weight is not finite.
std::vector<std::vector<Rational>> conserved_matrix(const Graph& graph, const LinearUnits& layer);

/// One finding, id "linear-units"; nothing without such layers.
std::vector<Finding> linear_unit_findings(const Graph& graph);

}  // namespace crease
