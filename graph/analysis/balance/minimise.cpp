#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "graph/analysis/balance/orbit.h"

namespace crease {
namespace {

/// The sum over terms that stay, as weights w_m = |v_m|^p e^(p u . E_m) with u = t ln 2, over a common scale.
class Descent {
 public:
  Descent(const Orbit& orbit, std::span<const Recession> without, std::vector<double> t)
      : orbit_(orbit), t_(std::move(t)), weight_(orbit.terms.size(), 0), stays_(orbit.terms.size(), true) {
    for (const Recession& recession : without)
      for (const size_t m : recession.vanishing) stays_[m] = false;
    by_coordinate_.resize(static_cast<size_t>(orbit.coordinates));
    for (size_t m = 0; m < orbit.terms.size(); ++m)
      if (stays_[m])
        for (const auto& [k, coefficient] : orbit.terms[m].exponent)
          by_coordinate_[static_cast<size_t>(k)].emplace_back(m, coefficient);
    refresh();
  }

  const std::vector<double>& t() const { return t_; }
  double total() const {
    double sum = 0;
    for (const double weight : weight_) sum += weight;
    return sum;
  }

  /// One exact step of each coordinate; gives the relative decrease of the sum.
  double sweep() {
    const double before = total();
    for (size_t k = 0; k < by_coordinate_.size(); ++k) move(k, best_step(k));
    return before > 0 ? (before - total()) / before : 0;
  }

  /// A sweep of single steps of the lattice, where they help. Whether any did.
  bool lattice_sweep() {
    bool any = false;
    for (size_t k = 0; k < by_coordinate_.size(); ++k)
      for (const double step : {orbit_.lattice[k], -orbit_.lattice[k]})
        while (change(k, step) < 0) {
          move(k, step);
          any = true;
        }
    return any;
  }

  /// A Newton step, halved until the sum decreases. Gives the relative decrease.
  double newton() {
    const size_t n = by_coordinate_.size();
    std::vector<double> hessian(n * n, 0), gradient(n, 0);
    for (size_t m = 0; m < weight_.size(); ++m) {
      if (!stays_[m]) continue;
      for (const auto& [j, a] : orbit_.terms[m].exponent) {
        gradient[static_cast<size_t>(j)] += weight_[m] * a;
        for (const auto& [k, b] : orbit_.terms[m].exponent)
          hessian[static_cast<size_t>(j) * n + static_cast<size_t>(k)] += orbit_.power * weight_[m] * a * b;
      }
    }
    const std::vector<double> step = solve(std::move(hessian), std::move(gradient));
    const std::vector<double> start = t_;
    const double before = total();
    for (double length = 1; length > 1e-6; length /= 2) {
      for (size_t k = 0; k < n; ++k) t_[k] = start[k] - length * step[k] / std::numbers::ln2;
      refresh_weights();
      if (total() < before) return (before - total()) / before;
    }
    t_ = start;
    refresh_weights();
    return 0;
  }

 private:
  const Orbit& orbit_;
  std::vector<double> t_, weight_;
  std::vector<bool> stays_;
  std::vector<std::vector<std::pair<size_t, double>>> by_coordinate_;
  double scale_ = 0;  // ln of the common scale

  double log_weight(size_t m) const {
    double exponent = 0;
    for (const auto& [k, coefficient] : orbit_.terms[m].exponent)
      exponent += coefficient * t_[static_cast<size_t>(k)];
    return orbit_.terms[m].log_size + orbit_.power * std::numbers::ln2 * exponent;
  }

  void refresh() {
    scale_ = -std::numeric_limits<double>::infinity();
    for (size_t m = 0; m < weight_.size(); ++m)
      if (stays_[m]) scale_ = std::max(scale_, log_weight(m));
    refresh_weights();
  }
  void refresh_weights() {
    for (size_t m = 0; m < weight_.size(); ++m) weight_[m] = stays_[m] ? std::exp(log_weight(m) - scale_) : 0;
  }

  /// How the sum changes when a coordinate moves by `step` (log2).
  double change(size_t k, double step) const {
    double sum = 0;
    for (const auto& [m, coefficient] : by_coordinate_[k])
      sum += weight_[m] * std::expm1(orbit_.power * std::numbers::ln2 * coefficient * step);
    return sum;
  }

  void move(size_t k, double step) {
    if (step == 0) return;
    t_[k] += step;
    for (const auto& [m, coefficient] : by_coordinate_[k])
      weight_[m] *= std::exp2(orbit_.power * coefficient * step);
  }

  /// The step at which the slope is 0: up e^(p c d) = down e^(-p c d) where all coefficients are c or -c,
  /// else by Newton's method within a bracket.
  double best_step(size_t k) const {
    double up = 0, down = 0, size = 0;
    bool alike = true;
    for (const auto& [m, coefficient] : by_coordinate_[k]) {
      (coefficient > 0 ? up : down) += weight_[m];
      if (size == 0) size = std::abs(coefficient);
      alike = alike && std::abs(coefficient) == size;
    }
    if (up == 0 || down == 0) return 0;
    if (alike) return std::log2(down / up) / (2 * orbit_.power * size);
    return bracketed_step(k);
  }

  double slope(size_t k, double step) const {
    double sum = 0;
    for (const auto& [m, coefficient] : by_coordinate_[k])
      sum += weight_[m] * coefficient * std::exp2(orbit_.power * coefficient * step);
    return sum;
  }

  /// The slope grows with the step, so bisection finds its zero.
  double bracketed_step(size_t k) const {
    double low = -1, high = 1;
    while (slope(k, low) > 0 && low > -64) low *= 2;
    while (slope(k, high) < 0 && high < 64) high *= 2;
    for (int i = 0; i < 60; ++i) {
      const double middle = (low + high) / 2;
      (slope(k, middle) > 0 ? high : low) = middle;
    }
    return (low + high) / 2;
  }

  /// Cholesky's method; coordinates without curvature stay where they are.
  static std::vector<double> solve(std::vector<double> matrix, std::vector<double> right) {
    const size_t n = right.size();
    const auto at = [&](size_t i, size_t j) -> double& { return matrix[i * n + j]; };
    std::vector<double> diagonal(n);
    for (size_t i = 0; i < n; ++i) diagonal[i] = at(i, i);
    for (size_t j = 0; j < n; ++j) {
      double pivot = at(j, j);
      for (size_t k = 0; k < j; ++k) pivot -= at(j, k) * at(j, k);
      const bool flat = pivot <= 1e-13 * diagonal[j] || pivot <= 0;
      at(j, j) = flat ? 0 : std::sqrt(pivot);
      for (size_t i = j + 1; i < n; ++i) {
        double value = at(i, j);
        for (size_t k = 0; k < j; ++k) value -= at(i, k) * at(j, k);
        at(i, j) = flat ? 0 : value / at(j, j);
      }
    }
    for (size_t i = 0; i < n; ++i) {
      for (size_t k = 0; k < i; ++k) right[i] -= at(i, k) * right[k];
      right[i] = at(i, i) == 0 ? 0 : right[i] / at(i, i);
    }
    for (size_t i = n; i-- > 0;) {
      for (size_t k = i + 1; k < n; ++k) right[i] -= at(k, i) * right[k];
      right[i] = at(i, i) == 0 ? 0 : right[i] / at(i, i);
    }
    return right;
  }
};

/// ln of the sum of some terms at t.
double log_sum_of(const Orbit& orbit, const std::vector<size_t>& terms, const std::vector<double>& t) {
  Orbit part{.power = orbit.power, .coordinates = orbit.coordinates, .terms = {}, .fixed = 0, .lattice = {}};
  for (const size_t m : terms) part.terms.push_back(orbit.terms[m]);
  return log_sum(part, t);
}

/// Goes along the recessions, the last one first, until what vanishes is not greater than at t = 0.
/// Directions are whole multiples of the lattice.
void recede(const Orbit& orbit, std::span<const Recession> without, std::vector<double>& t) {
  const std::vector<double> origin(t.size(), 0);
  for (size_t r = without.size(); r-- > 0;) {
    const Recession& recession = without[r];
    const double limit = log_sum_of(orbit, recession.vanishing, origin);
    for (int step = 0; step < 4096 && log_sum_of(orbit, recession.vanishing, t) > limit + 1e-12; ++step)
      for (const auto& [k, slope] : recession.direction) {
        const double unit = orbit.lattice[static_cast<size_t>(k)];
        t[static_cast<size_t>(k)] += std::copysign(std::ceil(std::abs(slope)), slope) * unit;
      }
  }
}

}  // namespace

std::vector<double> minimise(const Orbit& orbit, std::span<const Recession> without) {
  Descent descent(orbit, without, std::vector<double>(static_cast<size_t>(orbit.coordinates), 0));
  const bool small = orbit.coordinates <= 300;
  const int sweeps = small ? 50 : 1000;
  for (int i = 0; i < sweeps; ++i)
    if (descent.sweep() < 1e-14) break;
  for (int i = 0; small && i < 100; ++i)
    if (descent.newton() < 1e-16) break;
  std::vector<double> t = descent.t();
  recede(orbit, without, t);
  return t;
}

std::vector<double> minimise_on_lattice(const Orbit& orbit, std::span<const Recession> without,
                                        std::span<const double> start) {
  std::vector<double> rounded(start.begin(), start.end());
  for (size_t k = 0; k < rounded.size(); ++k)
    rounded[k] = std::round(rounded[k] / orbit.lattice[k]) * orbit.lattice[k];
  Descent descent(orbit, without, rounded);
  for (int i = 0; i < 100 && descent.lattice_sweep(); ++i) continue;
  std::vector<double> t = descent.t();
  recede(orbit, without, t);
  return t;
}

}  // namespace crease
