// Sizes of numbers along the orbit of a rescaling group: each is multiplied by 2^(E . t), and a sum of their
// powers is a convex function of t. What balance.h minimises.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "graph/analysis/scaling.h"

namespace crease {

/// Numbers whose factor is the same at all coordinates.
struct OrbitTerm {
  double log_size = 0;                                // ln of the sum of |v|^p over them, at t = 0
  std::vector<std::pair<int, double>> exponent = {};  // by coordinate
};

/// ln of sum over terms of e^(log_size + p ln 2 E . t), minimised over t. Terms without exponent are kept
/// apart.
struct Orbit {
  double power = 2;  // p
  int coordinates = 0;
  std::vector<OrbitTerm> terms;
  double fixed = 0;             // sum of |v|^p of numbers that no coordinate moves
  std::vector<double> lattice;  // least step of each coordinate at which all factors are powers of two
};

/// Values of one tensor with its exponents; zeros are left out.
struct OrbitValues {
  NodeId tensor;
  std::vector<double> sizes;  // |v| by element
};

/// The orbit of these values. Cost: linear in their number.
Orbit orbit_of(const ScalingGroup& group, std::span<const OrbitValues> values, double power);
/// |v| of every parameter.
std::vector<OrbitValues> parameter_sizes(const Graph& graph);

/// ln of (fixed + sum over terms) at t, log2 of the factors.
double log_sum(const Orbit& orbit, std::span<const double> t);

/// A direction along which terms vanish for ever while no remaining one grows: no minimum is attained.
struct Recession {
  std::vector<std::pair<int, double>> direction;
  std::vector<size_t> vanishing;  // positions of terms
};

/// Directions of recession, in the order in which they were found: each is one for the terms that the earlier
/// ones leave. None: the minimum is attained. Method: units all of whose terms have exponents of one sign;
/// strong components where each term is a difference of two coordinates or one of them alone; other sums are
/// decided numerically by `minimise`.
std::vector<Recession> recessions(const Orbit& orbit);

/// Minimises over the terms that do not vanish, then moves along the recessions just so far that the
/// vanishing terms are not greater than they were. Relative accuracy of the sum: about 1e-12.
/// Method: exact coordinate steps (Osborne 1960), Newton steps where there are at most 300 coordinates.
std::vector<double> minimise(const Orbit& orbit, std::span<const Recession> without);
/// The same over steps of the lattice: from the real minimum, until no step of one coordinate helps.
std::vector<double> minimise_on_lattice(const Orbit& orbit, std::span<const Recession> without,
                                        std::span<const double> start);

}  // namespace crease
