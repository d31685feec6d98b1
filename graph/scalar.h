// Symbolic scalar expressions: the bodies of operations. Written once, read by evaluation, differentiation,
// analyses and code generation. Expressions are immutable and hash-consed: structurally equal expressions are
// the same node, so equality is a pointer comparison and sharing is automatic. Construction simplifies
// exactly (never changes a value but for the sign of a zero, a NaN, or a one-sided slope).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/tie.h"

namespace crease {

/// What a scalar node computes. `terms` of the list below are its operands.
enum class ScalarKind : uint8_t {
  Constant,  // a double
  Argument,  // operand `position` of the operation
  Index,     // value of loop label `position` at this loop point, an integer
  Size,      // size of the named dimension `symbol`, an integer
  Add,
  Subtract,
  Multiply,
  Divide,
  Negate,
  Max,
  Min,  // kinks where the two terms are equal; NaN in either gives NaN
  Less,
  LessEqual,
  Equal,
  And,
  Or,
  Not,     // truth values 0 or 1; comparisons with NaN are false
  Select,  // terms: condition, value if true, value if false
  Exp,
  Expm1,
  Log,
  Log1p,
  Sqrt,
  Sin,
  Cos,
  Tanh,
  Sigmoid,
  Softplus,
  Erf,
  Floor,  // piecewise constant; jumps at integers
};

struct ScalarNode;

/// Handle to an immutable scalar expression. Cheap to copy.
class Scalar {
 public:
  /// The constant 0.
  Scalar();
  Scalar(double constant);  // NOLINT(google-explicit-constructor): bodies read `max(x, 0)`
  static Scalar argument(int position);
  static Scalar index(int label);
  static Scalar size(const std::string& symbol);

  ScalarKind kind() const;
  /// The value of a Constant.
  double constant() const;
  /// Number of the argument or label.
  int position() const;
  const std::string& symbol() const;
  std::span<const Scalar> terms() const;
  bool is_constant(double value) const;

  /// Structural equality. (operator== would be read as a comparison inside a body.)
  bool same(const Scalar& other) const { return node_ == other.node_; }
  const ScalarNode* id() const { return node_; }

 private:
  explicit Scalar(const ScalarNode& node) : node_(&node) {}
  friend Scalar make_scalar(ScalarKind kind, std::vector<Scalar> terms);
  friend struct ScalarTable;
  const ScalarNode* node_;
};

/// The simplified expression `kind(terms...)`; the named functions below are the usual way in.
Scalar make_scalar(ScalarKind kind, std::vector<Scalar> terms);

Scalar operator+(const Scalar& a, const Scalar& b);
Scalar operator-(const Scalar& a, const Scalar& b);
Scalar operator*(const Scalar& a, const Scalar& b);
Scalar operator/(const Scalar& a, const Scalar& b);
Scalar operator-(const Scalar& a);
Scalar operator<(const Scalar& a, const Scalar& b);
Scalar operator<=(const Scalar& a, const Scalar& b);
Scalar operator>(const Scalar& a, const Scalar& b);
Scalar operator>=(const Scalar& a, const Scalar& b);
Scalar equal(const Scalar& a, const Scalar& b);
Scalar operator&&(const Scalar& a, const Scalar& b);
Scalar operator||(const Scalar& a, const Scalar& b);
Scalar operator!(const Scalar& a);
Scalar max(const Scalar& a, const Scalar& b);
Scalar min(const Scalar& a, const Scalar& b);
/// max(x, -x): a kink at 0 with slopes -1 and 1.
Scalar abs(const Scalar& x);
/// `then` where condition holds, else `otherwise`; the branch not taken is ignored whatever it holds, also by
/// derivatives.
Scalar select(const Scalar& condition, const Scalar& then, const Scalar& otherwise);
Scalar exp(const Scalar& x);
Scalar expm1(const Scalar& x);
Scalar log(const Scalar& x);
Scalar log1p(const Scalar& x);
Scalar sqrt(const Scalar& x);
Scalar sin(const Scalar& x);
Scalar cos(const Scalar& x);
Scalar tanh(const Scalar& x);
/// 1 / (1 + exp(-x)), without overflow.
Scalar sigmoid(const Scalar& x);
/// log(1 + exp(x)), without overflow.
Scalar softplus(const Scalar& x);
Scalar erf(const Scalar& x);
Scalar floor(const Scalar& x);

/// 1 + the greatest argument position that occurs, 0 if none.
int arity(const Scalar& expression);
/// Whether the value can change with argument `position`.
bool depends_on(const Scalar& expression, int position);
/// Whether any argument occurs.
bool depends_on_arguments(const Scalar& expression);

/// The expression with argument i replaced by arguments[i], and label i by labels[i] if labels are given.
Scalar substitute(const Scalar& expression, std::span<const Scalar> arguments,
                  std::span<const Scalar> labels = {});
/// The expression with each node for which `replace` gives a value replaced by it, bottom up.
Scalar rewrite(const Scalar& expression,
               const std::function<Scalar(const Scalar& node, std::span<const Scalar> new_terms)>& replace);

/// Derivative with respect to argument `position`, the others held fixed, as the limit from `side` of that
/// argument (one-sided derivative). At a kink that several arguments decide (max(a, b) at a = b) the kink's
/// own variable first - second is taken from `side` instead: Left gives the second term, Right the first; min
/// the other way round. A jump has slope 0. Comparisons and floor have slope 0. Source: KINKS rules in
/// docs/kinks.md; Shapiro 1990 for one-sided chain rules.
Scalar slope(const Scalar& expression, int position, Side side, uint64_t constants = 0);

/// The slope that `tie` selects: see Tie. Where left and right agree they are used as they are. Arguments
/// whose bit is set in `constants` do not vary: a kink between x and such an argument is x's own. Errors:
/// Error for Tie::trap, which has no value to select.
Scalar slope(const Scalar& expression, int position, const Tie& tie, uint64_t constants = 0);

/// The exact one-sided directional derivative lim_{t->0+} (f(x + t d) - f(x)) / t as an expression whose
/// arguments 0..n-1 are x and n..2n-1 are d, n = argument_count. The tangent's sign picks the side at every
/// kink. At a jump the tangent is 0.
Scalar directional(const Scalar& expression, int argument_count);

/// Conditions `u == 0` (as expressions) under which some kink of the body is hit: one per max/min/select
/// comparison whose two sides have different slopes. Empty for smooth bodies.
std::vector<Scalar> kink_conditions(const Scalar& expression);

/// Value in double arithmetic; `labels` and `sizes` give Index and Size leaves.
struct ScalarContext {
  std::span<const double> arguments;
  std::span<const double> labels = {};
  std::function<double(const std::string&)> size = {};
};
double evaluate(const Scalar& expression, const ScalarContext& context);
/// Value in single precision: every intermediate is rounded to f32, as compiled f32 code does.
double evaluate_f32(const Scalar& expression, const ScalarContext& context);

/// "max(x0, 0)": readable, and read back by parse_scalar. Arguments are x0, x1, ...; labels i0, i1, ...;
/// sizes size(batch).
std::string to_string(const Scalar& expression);
/// The inverse of to_string. Errors: Error with the column.
Scalar parse_scalar(std::string_view text);

/// "max", "less", ... as printed.
std::string_view name_of(ScalarKind kind);

}  // namespace crease
