#include "graph/analysis/balance/balance.h"

#include <cmath>
#include <limits>

#include "graph/analysis/balance/orbit.h"
#include "graph/analysis/balance/range.h"
#include "graph/analysis/balance/samples.h"

namespace crease {
namespace {

/// The coordinates that run away, and which way.
std::vector<EscapingUnit> escaping_units(const ScalingGroup& group, std::span<const Recession> directions) {
  std::vector<EscapingUnit> result;
  for (const Recession& recession : directions)
    for (const auto& [k, slope] : recession.direction)
      if (slope != 0) result.push_back({group.coordinates()[static_cast<size_t>(k)], slope > 0});
  return result;
}

double remaining_sum(Orbit orbit, std::span<const Recession> without, std::span<const double> t) {
  for (const Recession& recession : without)
    for (const size_t m : recession.vanishing)
      orbit.terms[m].log_size = -std::numeric_limits<double>::infinity();
  return std::exp(log_sum(orbit, t));
}

}  // namespace

std::set<std::string> running_statistics(const Graph& graph) {
  std::set<std::string> result;
  for (const NodeId id : graph.parameters())
    if (graph.node(id).name.find("running_") != std::string::npos) result.insert(graph.node(id).name);
  return result;
}

Balance balance(const Graph& graph, const ScalingGroup& group, const BalanceOptions& options) {
  std::vector<OrbitValues> values = parameter_sizes(graph);
  const Orbit squares = orbit_of(group, values, 2);
  const std::vector<Recession> away = recessions(squares);
  Balance result;
  result.attained = away.empty();
  result.escaping = escaping_units(group, away);
  const std::vector<double> least = minimise(squares, away);
  result.squares_before = std::exp(log_sum(squares, std::vector<double>(least.size(), 0)));
  result.squares_least = remaining_sum(squares, away, least);
  if (options.goal == BalanceGoal::Norm) {
    result.t = options.powers_of_two ? minimise_on_lattice(squares, away, least) : least;
  } else {
    if (options.box || options.samples > 0)
      for (OrbitValues& sizes : options.box ? bounded_sizes(graph, *options.box)
                                            : value_sizes(graph, options.samples, options.seed))
        values.push_back(std::move(sizes));
    constexpr double order = 32;  // a norm of order p exceeds the greatest of n numbers by n^(1/p) at most
    const Orbit ranges = orbit_of(group, values, order);
    const std::vector<Recession> range_away = recessions(ranges);
    result.t = minimise(ranges, range_away);
    if (options.powers_of_two) result.t = minimise_on_lattice(ranges, range_away, result.t);
  }
  result.squares_after = std::exp(log_sum(squares, result.t));
  return result;
}

namespace {

/// Calls compare(output of a, output of b) until it gives false; whether it never did.
template <class Compare>
bool compare_outputs(const Graph& a, const Graph& b, int64_t samples, uint64_t seed, Compare&& compare) {
  std::mt19937_64 random(seed);
  constexpr int64_t rows = 4;
  for (int64_t done = 0; done < samples; done += rows) {
    const Bindings inputs = random_inputs(a, rows, random);
    const auto others = evaluate(b, inputs);
    for (const auto& [name, value] : evaluate(a, inputs))
      if (!compare(value, others.at(name))) return false;
  }
  return true;
}

}  // namespace

bool same_outputs(const Graph& a, const Graph& b, int64_t samples, uint64_t seed) {
  return compare_outputs(a, b, samples, seed, [](const Tensor& x, const Tensor& y) { return x == y; });
}

double output_difference(const Graph& a, const Graph& b, int64_t samples, uint64_t seed) {
  double greatest = 0;
  compare_outputs(a, b, samples, seed, [&](const Tensor& x, const Tensor& y) {
    double size = 0, difference = 0;
    for (int64_t i = 0; i < x.count(); ++i) {
      size = std::max(size, std::abs(x.at(i)));
      difference = std::max(difference, std::abs(x.at(i) - y.at(i)));
    }
    if (difference > 0) greatest = std::max(greatest, difference / size);
    return true;
  });
  return greatest;
}

}  // namespace crease
