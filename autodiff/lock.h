// Lock, then reverse: a true generalised gradient at a kink. Every kink is locked to the branch active at x +
// t d, t -> 0+, for the first direction d that decides it; then ordinary reverse mode runs through the locked
// program.
#pragma once

#include <span>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// What a locked derivative gives, as nodes of the graph.
struct LockedGradient {
  /// The loss on the locked side: differs from the loss only if a jump was locked.
  Value value;
  /// f'(x; d_j) for j = 0; for later directions the derivative of the locked piece.
  std::vector<Value> derivatives;
  /// One gradient per variable: the gradient of the smooth piece next to x in direction d_0, then d_1, ...
  std::vector<Value> gradient;
  /// Scalars: how many kinks this point sits on, and how many of them no direction decides. If none is
  /// undecided, the gradient is an element of the B-subdifferential.
  Value hits, unresolved;
};

/// Errors: Error naming `call` for an active loop over time whose body may bend, jump or have infinite
/// slopes: nothing is locked inside a loop; and for an active operation that reads a number as a truth value.
void check_lockable(const char* call, const Graph& graph, const std::vector<bool>& active,
                    const std::source_location& where);

/// Gradient of `loss` with kinks locked along `directions`: directions[j][i] is a tangent for wrt[i].
/// Tangents of a variable that is given twice, or computed from others, add to what arrives. Errors: as
/// grad's; those of check_lockable, and Error for a loop behind a jump; Error if there is no direction, or a
/// tangent has another shape than its variable. Cost: one
/// forward pass, one tangent pass a direction, one reverse pass. Source: Nesterov 2005 (lexicographic
/// differentiation); Khan and Barton 2015; Khan 2018 (branch locking).
LockedGradient locked_grad(const Value& loss, ValueSpan wrt,
                           const std::vector<std::vector<Value>>& directions,
                           std::source_location where = std::source_location::current());

}  // namespace crease
