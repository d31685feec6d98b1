#include "graph/analysis/exact_lp.h"

#include <algorithm>
#include <optional>

#include "graph/error.h"

namespace crease {
namespace {

/// The least multiple of a row without odd denominators: what it is multiplied by.
Rational dyadic_scale(const std::vector<Rational>& row) {
  Rational scale = 1;
  for (const Rational& entry : row) scale *= (entry * scale).denominator();
  return scale;
}

/// unit * basic[i] = constant[i] + sum_j rows[i][j] * nonbasic[j], and the same for the objective. All
/// entries are dyadic: they and the unit are determinants of the constraints, so that pivots leave no
/// remainder and no fraction is ever brought to lowest terms. Variables are numbered: the slack of constraint
/// i is i, the free variable j is count + j, the artificial one comes last. Source: Edmonds 1967 (integer
/// pivoting).
class Dictionary {
 public:
  Dictionary(size_t variables, const std::vector<LinearConstraint>& constraints)
      : count_(constraints.size()), variables_(variables) {
    for (size_t j = 0; j < variables; ++j) nonbasic_.push_back(count_ + j);
    for (size_t i = 0; i < count_; ++i) {
      basic_.push_back(i);
      std::vector<Rational> row;
      for (const Rational& a : constraints[i].a) row.push_back(-a);
      row.push_back(constraints[i].b);  // the constant comes last
      scales_.push_back(dyadic_scale(row));
      if (scales_[i] != 1)
        for (Rational& entry : row) entry *= scales_[i];
      rows_.push_back(std::move(row));
    }
    objective_.assign(variables + 1, 0);
  }

  /// Brings the free variables into the basis, where they have no sign to keep.
  void enter_free_variables() {
    for (size_t j = 0; j < nonbasic_.size(); ++j) {
      if (!is_free(nonbasic_[j])) continue;
      for (size_t i = 0; i < basic_.size(); ++i)
        if (!is_free(basic_[i]) && !rows_[i][j].is_zero()) {
          pivot(i, j);
          break;
        }
    }
  }

  /// A feasible dictionary, or false and then the objective shows why: minus the artificial variable.
  bool make_feasible() {
    if (least_constant() == basic_.size()) return true;
    const size_t artificial = count_ + variables_;
    for (size_t i = 0; i < rows_.size(); ++i) insert(rows_[i], is_free(basic_[i]) ? 0 : unit_);
    nonbasic_.push_back(artificial);
    objective_.assign(nonbasic_.size() + 1, 0);
    objective_[nonbasic_.size() - 1] = -unit_;
    objective_scale_ = 1;
    pivot(least_constant(), nonbasic_.size() - 1);
    while (step(false)) {
    }
    if (objective_.back().sign() < 0) return false;
    remove(artificial);
    return true;
  }

  /// The objective in terms of the present nonbasic variables.
  void set_objective(const std::vector<Rational>& c) {
    objective_.assign(nonbasic_.size() + 1, 0);
    objective_scale_ = dyadic_scale(c);
    for (size_t k = 0; k < c.size(); ++k) {
      if (c[k].is_zero()) continue;
      const Rational factor = c[k] * objective_scale_;
      const auto basic = std::ranges::find(basic_, count_ + k);
      if (basic == basic_.end()) {
        objective_[place(count_ + k)] += factor * unit_;
        continue;
      }
      const auto& row = rows_[static_cast<size_t>(basic - basic_.begin())];
      for (size_t j = 0; j < row.size(); ++j) objective_[j] += factor * row[j];
    }
  }

  /// One pivot; false at the optimum, or where nothing bounds the objective (then unbounded_column is set).
  bool step(bool can_be_unbounded) {
    const std::optional<size_t> column = entering();
    if (!column) return false;
    const size_t row = leaving(*column);
    if (row == basic_.size()) {
      ensure(can_be_unbounded, "[exact_lp] an artificial variable is bounded");
      unbounded_ = *column;
      return false;
    }
    pivot(row, *column);
    return true;
  }

  LpResult result(bool feasible) const {
    LpResult result;
    result.status = !feasible ? LpStatus::Infeasible : unbounded_ ? LpStatus::Unbounded : LpStatus::Optimal;
    const Rational objective_unit = unit_ * objective_scale_;
    result.value = objective_.back() / objective_unit;
    result.x.assign(variables_, 0);
    result.duals.assign(count_, 0);
    for (size_t i = 0; i < basic_.size(); ++i)
      if (is_free(basic_[i])) result.x[basic_[i] - count_] = rows_[i].back() / unit_;
    for (size_t j = 0; j < nonbasic_.size(); ++j)
      if (nonbasic_[j] < count_)
        result.duals[nonbasic_[j]] = -objective_[j] * scales_[nonbasic_[j]] / objective_unit;
    if (unbounded_) result.ray = ray();
    constexpr int64_t long_numbers = 8;  // times as long as short ones, measured in networks of three inputs
    result.operations = long_numbers * changed_;
    return result;
  }

 private:
  bool is_free(size_t variable) const { return variable >= count_ && variable < count_ + variables_; }
  size_t place(size_t variable) const {
    return static_cast<size_t>(std::ranges::find(nonbasic_, variable) - nonbasic_.begin());
  }
  static void insert(std::vector<Rational>& row, const Rational& value) { row.insert(row.end() - 1, value); }

  /// The row with the most negative constant, or the number of rows.
  size_t least_constant() const {
    size_t least = basic_.size();
    for (size_t i = 0; i < basic_.size(); ++i)
      if (!is_free(basic_[i]) && rows_[i].back().sign() < 0 &&
          (least == basic_.size() || rows_[i].back() < rows_[least].back()))
        least = i;
    return least;
  }

  /// Bland: the variable of least number that improves the objective. A free one may also fall.
  std::optional<size_t> entering() const {
    std::optional<size_t> best;
    for (size_t j = 0; j < nonbasic_.size(); ++j) {
      const int sign = objective_[j].sign();
      if ((sign > 0 || (sign < 0 && is_free(nonbasic_[j]))) && (!best || nonbasic_[j] < nonbasic_[*best]))
        best = j;
    }
    return best;
  }

  /// The row that first reaches 0 when a column grows (a free one in the direction that helps).
  size_t leaving(size_t column) const {
    const int direction = objective_[column].sign();
    size_t best = basic_.size();
    for (size_t i = 0; i < basic_.size(); ++i) {
      if (is_free(basic_[i]) || rows_[i][column].sign() * direction >= 0) continue;
      if (best < basic_.size()) {  // constants are not negative: fractions are compared by their products
        const auto order =
            rows_[i].back() * rows_[best][column].abs() <=> rows_[best].back() * rows_[i][column].abs();
        if (order > 0 || (order == 0 && basic_[i] > basic_[best])) continue;
      }
      best = i;
    }
    return best;
  }

  void pivot(size_t row, size_t column) {
    changed_ += static_cast<int64_t>(rows_.size() * (nonbasic_.size() + 1));
    std::vector<Rational>& pivot_row = rows_[row];
    const Rational pivot = pivot_row[column], magnitude = pivot.abs();
    for (size_t i = 0; i < rows_.size(); ++i)
      if (i != row) eliminate(rows_[i], pivot_row, column);
    eliminate(objective_, pivot_row, column);
    // pivot * nonbasic = unit * basic - the rest of the row.
    for (Rational& entry : pivot_row)
      if (pivot.sign() > 0) entry = -entry;
    pivot_row[column] = pivot.sign() > 0 ? unit_ : -unit_;
    unit_ = magnitude;
    std::swap(basic_[row], nonbasic_[column]);
  }

  void eliminate(std::vector<Rational>& row, const std::vector<Rational>& pivot_row, size_t column) const {
    const Rational magnitude = pivot_row[column].abs();
    const Rational factor = pivot_row[column].sign() > 0 ? row[column] : -row[column];
    for (size_t j = 0; j < row.size(); ++j)
      if (j != column) row[j] = exact_quotient(magnitude * row[j] - factor * pivot_row[j], unit_);
    row[column] = factor;
  }

  /// Drops the artificial variable, which is 0.
  void remove(size_t artificial) {
    if (const auto basic = std::ranges::find(basic_, artificial); basic != basic_.end()) {
      const auto row = static_cast<size_t>(basic - basic_.begin());
      const auto& entries = rows_[row];
      size_t column = 0;
      while (entries[column].is_zero() && column + 1 < nonbasic_.size()) ++column;
      if (entries[column].is_zero()) {  // 0 = 0
        rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(row));
        basic_.erase(basic);
        return;
      }
      pivot(row, column);
    }
    const auto column = static_cast<std::ptrdiff_t>(place(artificial));
    nonbasic_.erase(nonbasic_.begin() + column);
    for (auto& entries : rows_) entries.erase(entries.begin() + column);
    objective_.erase(objective_.begin() + column);
  }

  std::vector<Rational> ray() const {
    std::vector<Rational> direction(variables_, 0);
    const Rational sign(objective_[*unbounded_].sign());
    if (is_free(nonbasic_[*unbounded_])) direction[nonbasic_[*unbounded_] - count_] = sign * unit_;
    for (size_t i = 0; i < basic_.size(); ++i)
      if (is_free(basic_[i])) direction[basic_[i] - count_] = rows_[i][*unbounded_] * sign;
    return direction;
  }

  size_t count_, variables_;
  std::vector<size_t> basic_, nonbasic_;
  std::vector<std::vector<Rational>> rows_;
  std::vector<Rational> objective_;
  std::vector<Rational> scales_;  // what constraints were multiplied by
  Rational unit_ = 1, objective_scale_ = 1;
  std::optional<size_t> unbounded_;
  int64_t changed_ = 0;  // entries, by pivots
};

}  // namespace

LpResult maximise(const std::vector<Rational>& c, const std::vector<LinearConstraint>& constraints) {
  for (const LinearConstraint& constraint : constraints)
    expect(constraint.a.size() == c.size(), "[exact_lp] constraint has {} coefficients, want {}",
           constraint.a.size(), c.size());
  Dictionary dictionary(c.size(), constraints);
  dictionary.enter_free_variables();
  if (!dictionary.make_feasible()) return dictionary.result(false);
  dictionary.set_objective(c);
  while (dictionary.step(true)) {
  }
  return dictionary.result(true);
}

}  // namespace crease
