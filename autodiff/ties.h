// Rules at kinks for each operation: a table, and the tables that make gradients agree with other systems'.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "graph/graph.h"
#include "graph/scalar/at_nan.h"

namespace crease {

/// What an operation does at its kinks: a Tie, or one of two rules of other systems that no Tie expresses.
struct KinkRule {
  enum class Kind : unsigned char { Tie, Steepest, Sorted };

  KinkRule(const Tie& rule = Tie::left) : tie(rule) {}  // NOLINT(google-explicit-constructor): tables read so
  /// The slope of greater magnitude, the right one if they are equal (clamps that let the gradient through at
  /// both ends); a tie of arguments as Tie::right.
  static KinkRule steepest();
  /// Order statistics: the element that a stable sort puts there; other operations as Tie::right.
  static KinkRule sorted();
  bool operator==(const KinkRule&) const = default;

  Tie tie;
  Kind kind = Kind::Tie;
};

/// KinkRules by the name of an operation; others follow `otherwise`.
struct TieTable {
  std::map<std::string, KinkRule, std::less<>> by_operation = {};
  KinkRule otherwise = Tie::left;

  const KinkRule& of(std::string_view operation) const;
};

/// The slope of argument k of a body under a rule: see slope(expression, position, tie).
Scalar slope(const Scalar& expression, int position, const KinkRule& rule, uint64_t constants = 0,
             AtNan at_nan = AtNan::Nan);

/// The gradients of other systems at kinks, read in their sources: PyTorch derivatives.yaml and
/// Activation.cpp (1.13), JAX lax.py and nn/functions.py (cec06d11), TensorFlow math_grad.py (12b1fb47),
/// tinygrad mixin/gradient.py (a9069c17), MLX primitives.cpp (846d1762). Systems that treat max(x, c) as a
/// tie of two operands are followed where c is an input; a constant of the graph is no argument here.
namespace ties {
TieTable pytorch();
TieTable jax();
TieTable tensorflow();
TieTable tinygrad();
TieTable mlx();
/// One of these by its name, "pytorch" or "mlx"; nothing for another name.
std::optional<TieTable> named(std::string_view system);
}  // namespace ties

}  // namespace crease
