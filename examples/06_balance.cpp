// Of all networks that are equal by rescaling, the one with the smallest parameters: with powers of two not a
// bit of the outputs changes, with real factors the sum of squares is the least there is. Range equalisation,
// done before rounding to 8 bits, is a member of the same group: it changes nothing either.
#include <crease/crease.h>

using namespace crease;

namespace {

/// Hidden units of very different scale, as training can leave them.
Graph uneven() {
  Graph graph = network(mlp({8, 16, 16, 3}, relu, {.bias_init = uniform(-0.5, 0.5)}), 8);
  const ScalingGroup group = scaling_group(graph);
  std::vector<double> t;
  for (int k = 0; k < group.dimension(); ++k) t.push_back(k % 7 - 3);
  return rescaled(graph, group, t);
}

}  // namespace

int main() {
  const Graph graph = uneven();
  const ScalingGroup group = scaling_group(graph);
  fmt::print("{} positive degrees of freedom\n", group.dimension());

  const Balance powers = balance(graph, group);
  fmt::print("sum of squares {:.1f} -> {:.1f} with powers of two, outputs bit for bit equal: {}\n",
             powers.squares_before, powers.squares_after,
             same_outputs(graph, rescaled(graph, group, powers.t), 100) ? "yes" : "no");
  const Balance real = balance(graph, group, {.powers_of_two = false});
  const Graph least = rescaled(graph, group, real.t);
  fmt::print("sum of squares {:.1f} -> {:.1f} with real factors, outputs equal up to rounding: {}\n",
             real.squares_before, real.squares_after,
             output_difference(graph, least, 100) < 1e-5 ? "yes" : "no");

  fmt::print("balanced: every conserved quantity is 0 up to rounding: {}\n",
             worst(conserved_quantities(least, group)) < 1e-5 ? "yes" : "no");

  const Balance even = balance(graph, group, {.goal = BalanceGoal::Range});
  const Graph equalised = rescaled(graph, group, even.t);
  fmt::print(
      "even ranges: the weakest unit reaches {:.0f} of 127 steps of int8, before {:.0f}; same bits: {}\n",
      range_fit(equalised, NarrowFormat::Int8).steps, range_fit(graph, NarrowFormat::Int8).steps,
      same_outputs(graph, equalised, 100) ? "yes" : "no");
}
