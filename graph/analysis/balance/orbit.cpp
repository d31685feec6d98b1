#include "graph/analysis/balance/orbit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "graph/error.h"

namespace crease {
namespace {

using Exponent = std::vector<std::pair<int, double>>;

constexpr double never = -std::numeric_limits<double>::infinity();

/// ln(e^a + e^b).
double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == never ? a : a + std::log1p(std::exp(b - a));
}

Exponent plain(const LinearForm<Rational>& form) {
  Exponent result;
  for (const auto& [coordinate, coefficient] : form) result.emplace_back(coordinate, coefficient.to_double());
  return result;
}

}  // namespace

std::vector<OrbitValues> parameter_sizes(const Graph& graph) {
  std::vector<OrbitValues> result;
  for (const NodeId id : graph.parameters()) {
    const Tensor& value = graph.node(id).value;
    OrbitValues sizes{.tensor = id, .sizes = {}};
    for (int64_t i = 0; i < value.count(); ++i) sizes.sizes.push_back(std::abs(value.at(i)));
    result.push_back(std::move(sizes));
  }
  return result;
}

Orbit orbit_of(const ScalingGroup& group, std::span<const OrbitValues> values, double power) {
  Orbit orbit{.power = power, .coordinates = group.dimension(), .terms = {}, .fixed = 0, .lattice = {}};
  std::vector<int64_t> steps(static_cast<size_t>(group.dimension()), 1);
  for (const OrbitValues& tensor : values) {
    const auto exponents = group.exponents(tensor.tensor);
    const LinearForm<Rational>* last = nullptr;
    for (size_t i = 0; i < tensor.sizes.size(); ++i) {
      const double size = tensor.sizes[i];
      if (size == 0) continue;
      if (exponents.empty() || exponents[i].empty()) {
        orbit.fixed += std::pow(size, power);
        continue;
      }
      if (last == nullptr || *last != exponents[i]) {
        orbit.terms.push_back({.log_size = never, .exponent = plain(exponents[i])});
        for (const auto& [k, coefficient] : exponents[i]) {
          int64_t& step = steps[static_cast<size_t>(k)];
          while (!(coefficient * Rational(step)).is_integer()) ++step;
        }
        last = &exponents[i];
      }
      double& sum = orbit.terms.back().log_size;
      sum = log_add(sum, power * std::log(size));
    }
  }
  orbit.lattice.assign(steps.begin(), steps.end());
  return orbit;
}

double log_sum(const Orbit& orbit, std::span<const double> t) {
  double result = orbit.fixed > 0 ? std::log(orbit.fixed) : never;
  for (const OrbitTerm& term : orbit.terms) {
    double exponent = 0;
    for (const auto& [k, coefficient] : term.exponent) exponent += coefficient * t[static_cast<size_t>(k)];
    result = log_add(result, term.log_size + orbit.power * std::numbers::ln2 * exponent);
  }
  return result;
}

}  // namespace crease
