// Carries one nonnegative number for each element of a network from the inputs to the outputs: the rules that
// path norm and Lipschitz bound have in common.
#pragma once

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/piecewise.h"
#include "graph/rational.h"

namespace crease {

/// What is summed: products of |theta|, of theta^2, or what an input element of size 1 can change.
enum class PathRule : uint8_t { L1, L2Squared, Lipschitz };

/// A nonnegative double whose every operation is rounded upwards.
struct RoundedUp {
  double value = 0;

  static double up(double x) {
    return x == 0 ? 0 : std::nextafter(x, std::numeric_limits<double>::infinity());
  }
  friend RoundedUp operator+(RoundedUp a, RoundedUp b) {
    return {a.value == 0 ? b.value : b.value == 0 ? a.value : up(a.value + b.value)};
  }
  /// Products below the smallest number are rounded up to it.
  friend RoundedUp operator*(RoundedUp a, RoundedUp b) {
    if (a.value == 0 || b.value == 0) return {0};
    return {std::nextafter(a.value * b.value, std::numeric_limits<double>::infinity())};
  }
  friend RoundedUp operator/(RoundedUp a, RoundedUp b) {
    if (a.value == 0) return {0};
    return {std::nextafter(a.value / b.value, std::numeric_limits<double>::infinity())};
  }
  friend bool operator<(RoundedUp a, RoundedUp b) { return a.value < b.value; }
};

/// The result of a sweep: one number for each element of each output, in order; or why there is none.
template <class Number>
struct PathSums {
  std::vector<Number> outputs;
  std::string reason;
};

/// Number is Rational or RoundedUp. Errors: none; what the rules do not cover is a reason.
template <class Number>
PathSums<Number> path_sums(const Graph& graph, PathRule rule);
extern template PathSums<Rational> path_sums(const Graph&, PathRule);
extern template PathSums<RoundedUp> path_sums(const Graph&, PathRule);

}  // namespace crease
