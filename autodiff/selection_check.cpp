#include "autodiff/selection_check.h"

#include <algorithm>
#include <cmath>

namespace crease {
namespace {

/// The body with argument k moved by `step`.
double moved(const Scalar& expression, BodyPoint point, int k, double step) {
  point.arguments[static_cast<size_t>(k)] += step;
  return evaluate(expression, point);
}

/// Slope next to the point towards `step`. The point itself, where the body may jump, is not used.
double slope_towards(const BodyPoint& point, int k, double step) {
  const double far = moved(point.body, point, k, step), middle = moved(point.body, point, k, step / 2),
               near = moved(point.body, point, k, step / 4);
  const double coarse = (far - middle) / (step / 2), fine = (middle - near) / (step / 4);
  return 2 * fine - coarse;
}

bool depends_on_others(const Scalar& condition, int k, uint64_t constants) {
  for (int p = 0; p < arity(condition); ++p) {
    const bool constant = p < 64 && (constants >> p & 1) != 0;
    if (p != k && !constant && depends_on(condition, p)) return true;
  }
  return false;
}

/// What the kinks at a point ask of argument k: whether one is shared with other arguments, and the sign of
/// the step that moves the kink's own variable, first - second, to the right.
struct Orientation {
  bool shared = false, consistent = true;
  double right = 1;
};

Orientation orientation_of(const BodyPoint& point, int k, double h) {
  Orientation found;
  bool any = false;
  for (const Scalar& condition : kink_conditions(point.body)) {
    if (evaluate(condition, point) == 0 || !depends_on_arguments(condition)) continue;
    const auto t = condition.terms();
    double right = 1;
    if (depends_on_others(condition, k, point.constants)) {
      found.shared = true;
      const double sign = depends_on_arguments(t[0]) ? 1 : -1;
      const double rise = sign * (moved(t[0], point, k, h) - moved(t[1], point, k, h));
      if (rise == 0) continue;
      right = rise > 0 ? 1 : -1;
    } else if (!depends_on(condition, k)) {
      continue;
    }
    found.consistent = found.consistent && (!any || right == found.right);
    found.right = right;
    any = true;
  }
  return found;
}

double mixture(const KinkRule& rule, double left, double right, bool shared) {
  if (rule.kind == KinkRule::Kind::Steepest) return std::abs(left) > std::abs(right) ? left : right;
  if (rule.tie.rule() != Tie::Rule::MinNorm)
    return (1 - rule.tie.weight()) * left + rule.tie.weight() * right;
  if (shared) return (left + right) / 2;
  return std::clamp(0.0, std::min(left, right), std::max(left, right));
}

}  // namespace

double evaluate(const Scalar& expression, const BodyPoint& point) {
  return evaluate(
      expression,
      {.arguments = point.arguments, .labels = point.labels, .size = [&](const std::string& name) {
         return static_cast<double>(point.sizes.at(name));
       }});
}

bool is_on_kink(const BodyPoint& point) {
  const std::vector<Scalar> conditions = kink_conditions(point.body);
  return std::any_of(conditions.begin(), conditions.end(),
                     [&](const Scalar& condition) { return evaluate(condition, point) != 0; });
}

std::optional<double> difference_slope(const BodyPoint& point, int k, const KinkRule& rule, double h) {
  const Orientation orientation = orientation_of(point, k, h);
  if (!orientation.consistent) return {};
  const double right = slope_towards(point, k, orientation.right * h);
  const double left = slope_towards(point, k, -orientation.right * h);
  return mixture(rule, left, right, orientation.shared);
}

}  // namespace crease
