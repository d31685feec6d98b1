// The affine map that a body is at one loop point: its slope in each data operand and its offset, exactly.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "graph/analysis/exact.h"
#include "graph/scalar/forms.h"

namespace crease {

/// A body that is affine in some of its arguments. Run once for each loop point.
class AffineBody {
 public:
  /// `is_data[k]`: whether argument k varies; the others have values.
  AffineBody(const Scalar& body, std::vector<bool> is_data);

  /// Sets slopes (one for each argument, 0 for constants) and the offset. False: some part has no rational
  /// value, or the body is not affine in the data.
  bool run(std::span<const Rational> constants, std::span<const int64_t> labels);
  const std::vector<Rational>& slopes() const { return values_.back().slopes; }
  const Rational& offset() const { return values_.back().offset; }

 private:
  struct Value {
    bool known = false;
    std::vector<Rational> slopes;  // empty: constant
    Rational offset;
  };
  Value leaf(const Scalar& node, std::span<const Rational> constants, std::span<const int64_t> labels) const;
  Value inner(const BodyStep& step) const;

  std::vector<bool> is_data_;
  std::vector<BodyStep> steps_;
  std::vector<Value> values_;
  std::optional<Value> table_;  // of a one-argument body whose table is one piece
};

}  // namespace crease
