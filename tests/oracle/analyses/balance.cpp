// symmetry.balance_float: the least sum of squares in the rescaling group, and whether it is reached.
#include "graph/analysis/balance/balance.h"

#include <fmt/format.h>

#include <cmath>

#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {

void check_balance(const Json& expected, const Network& network, Outcome& outcome) {
  const Graph& graph = network.built.graph;
  const Balance found = balance(graph, scaling_group(graph, {.fixed = network.built.state}));
  outcome.check(found.attained == expected.at("attained").get<bool>(), "attained is {}, want {}",
                found.attained, expected.at("attained").dump());
  // Two floating-point minimisers of a smooth convex sum: the minimum is flat, so errors are of second order.
  const auto compare = [&](const char* key, double got) {
    const double want = expected.value(key, got);
    outcome.check(std::abs(got - want) <= 1e-9 * want, "{} is {}, want {}", key, got, want);
  };
  compare("sum_squares_before", found.squares_before);
  compare("sum_squares_min", found.squares_least);
}

}  // namespace crease::oracle
