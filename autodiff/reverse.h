// Reverse mode: gradients as nodes of the same graph.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "autodiff/ties.h"
#include "graph/graph.h"

namespace crease {

/// What reverse mode does with a slope that is infinite (sqrt at 0, log at 0, 1/x at 0). StrongZero: an
/// adjoint of 0 stays 0, any other becomes infinite. Ieee: the product as it stands, so 0 times infinity is
/// NaN. Zero: the infinite slope counts as 0.
enum class AtPole : unsigned char { StrongZero, Ieee, Zero };

struct GradOptions {
  /// Rule at kinks for this call; a node's own Tie goes first, the graph's default last.
  std::optional<Tie> tie = {};
  /// Rules by operation for this call, where neither the node nor the call has a Tie: ties::pytorch().
  std::optional<TieTable> table = {};
  /// Rule at infinite slopes for this call. norm2 has slope 0 at 0 under each.
  AtPole at_pole = AtPole::StrongZero;
  /// Rules that mix the slopes of both sides (mid, value, min_norm, those of tables) count as left: what
  /// derivatives of derivatives need, since a mixture of two pieces is no piece.
  bool one_sided = false;
  /// Counts hits, ties, jumps and live hits at each kinked node on the way, as further outputs of the graph,
  /// "kinks/...", which census_of reads (autodiff/census.h). Off, nothing is added.
  bool census = false;
};

/// Gradients of a scalar with respect to `wrt`, appended to the graph; each has the shape and type of its
/// variable. Variables that the loss does not depend on get zeros. At kinks: the Tie rule. Below a branch not
/// taken the adjoint is a structural zero. Errors: Error if the loss is not a floating scalar (says how to
/// reduce it), or a variable is an integer, or from another graph. Cost: at most about 3 forward passes.
/// Source: one adjoint rule, autodiff/adjoint.h.
std::vector<Value> grad(const Value& loss, ValueSpan wrt, const GradOptions& options = {},
                        std::source_location where = std::source_location::current());
Value grad(const Value& loss, const Value& wrt, const GradOptions& options = {},
           std::source_location where = std::source_location::current());

/// {loss, gradients}.
std::pair<Value, std::vector<Value>> value_and_grad(
    const Value& loss, ValueSpan wrt, const GradOptions& options = {},
    std::source_location where = std::source_location::current());

/// Vector-Jacobian product: sum over outputs of cotangent^T d(output)/d(wrt). Shapes: cotangents as outputs.
std::vector<Value> vjp(ValueSpan outputs, ValueSpan wrt, ValueSpan cotangents,
                       const GradOptions& options = {},
                       std::source_location where = std::source_location::current());

}  // namespace crease
