// What derivative is selected at a kink. A Tie is data of a node; passes preserve it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace crease {

/// One side of a kink.
enum class Side : unsigned char { Left, Right };

/// The rule that selects a derivative where left and right slopes differ. For one argument with slopes l and
/// r: left l; right r; mid (l + r) / 2; value(s) (1 - s) l + s r; min_norm the element of [min(l,r),
/// max(l,r)] of least magnitude; trap an error. For a tie of k arguments of max: left the last gets all,
/// right the first, mid and min_norm 1/k each, value(s) s to the first and 1 - s to the second, chained in
/// order. For min left gives the first. The most specific Tie wins: that of a node, then of the grad call,
/// then of the graph, then Tie::left.
class Tie {
 public:
  enum class Rule : unsigned char { Left, Right, Mid, Value, MinNorm, Trap };

  static const Tie left, right, mid, min_norm, trap;
  /// Errors: Error unless 0 <= s <= 1.
  static Tie value(double s);

  Rule rule() const { return rule_; }
  /// Weight of the right slope: left 0, mid 1/2, right 1, value(s) s. Meaningless for min_norm and trap.
  double weight() const { return weight_; }
  bool operator==(const Tie&) const = default;

 private:
  constexpr Tie(Rule rule, double weight) : rule_(rule), weight_(weight) {}
  Rule rule_ = Rule::Left;
  double weight_ = 0;
};

inline constexpr Tie Tie::left{Rule::Left, 0}, Tie::right{Rule::Right, 1}, Tie::mid{Rule::Mid, 0.5},
    Tie::min_norm{Rule::MinNorm, 0}, Tie::trap{Rule::Trap, 0};

/// "left", "value(0.25)".
std::string to_string(const Tie& tie);
/// The inverse of to_string. Errors: Error listing the known rules.
Tie parse_tie(std::string_view text);

}  // namespace crease
