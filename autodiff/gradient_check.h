// Gradients held against differences, at kinks too: steps go to the side that counts, and a step that crosses
// another kink is refused instead of averaged over.
#pragma once

#include "autodiff/reverse.h"
#include "graph/evaluate.h"

namespace crease {

struct CheckOptions {
  /// The rules that the gradients follow.
  GradOptions gradient = {};
  /// Length of a step; 0: 2^-12, halved until it crosses no kink, down to 2^-30.
  double step = 0;
  /// Random directions, beside each axis of at most `axes` elements of each variable.
  int directions = 8;
  int64_t axes = 16;
  uint64_t seed = 1;
  /// Relative to max(1, |difference|). Two differences of steps h and h/2 are extrapolated: errors are of
  /// order h^2 f''' + eps/h |f|, below 1e-7 for h = 2^-12 and f, f''' of order 1.
  double tolerance = 1e-6;
};

/// What was compared.
struct GradientCheck {
  int64_t compared = 0;  // pairs of numbers
  double worst = 0;      // greatest error, relative as the tolerance
  int64_t kinks = 0;     // kinks and ties that the point sits on
};

/// Compares derivatives of `loss` at `at` with differences, in f64 by the interpreter:
/// 1. directional derivatives, along axes and random directions, with one-sided differences: at kinks too;
/// 2. the gradient times the same directions, where the point sits on no kink;
/// 3. at a kink, the slope that the rule selects at each operation with the difference on the side it chose,
/// or the
///    mixture of both; and `gradients` with those that grad gives under the rule.
/// Variables are inputs and parameters. Errors: Error naming variable, numbers and step for a derivative that
/// is wrong; Error naming node and element for a step that crosses a kink; those of grad and bind. Cost:
/// about four evaluations a direction.
GradientCheck check_gradients(const Value& loss, ValueSpan wrt, const Bindings& at,
                              const CheckOptions& options = {},
                              std::source_location where = std::source_location::current());
/// The same for gradients made in another way.
GradientCheck check_gradients(const Value& loss, ValueSpan wrt, ValueSpan gradients, const Bindings& at,
                              const CheckOptions& options = {},
                              std::source_location where = std::source_location::current());

}  // namespace crease
