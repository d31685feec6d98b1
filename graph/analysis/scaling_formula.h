// The rescaling group with one factor for each whole tensor, as a formula that people know: w_i / a_i,
// b_i / (a_1 ... a_i) divides the output by a_1 ... a_n.
#pragma once

#include <string>
#include <vector>

#include "graph/analysis/scaling.h"

namespace crease {

/// Factors a_1, ..., a_n, one for each parameter in `leaders`: leader k is divided by a_k, and every other
/// tensor by a product of powers of them, given as a form over 0, ..., n - 1.
struct ScalingFormula {
  std::vector<NodeId> leaders;
  std::vector<LinearForm<Rational>> parameters;  // by position in graph.parameters()
  std::vector<LinearForm<Rational>> outputs;     // by position in graph.outputs()
  /// Products of the factors that must be positive (exponents mod 2), for factors that may be negative; in
  /// order of the nodes that ask for them, none implied by the earlier ones.
  std::vector<LinearForm<Parity2>> positive;
  /// Leaders are divided by their own factor, all others by a_1 ... a_i with i the latest leader before them,
  /// outputs by a_1 ... a_n.
  bool is_chain = false;
};

/// Errors: Error if the graph has no outputs.
ScalingFormula scaling_formula(const Graph& graph);

/// "w1/a_1, b1/a_1, w2/a_2, b2/(a_1 a_2): y -> y/(a_1 a_2)  (a_1 > 0); unchanged iff a_1 a_2 = 1". Empty if
/// there is no factor.
std::string to_string(const ScalingFormula& formula, const Graph& graph);

}  // namespace crease
