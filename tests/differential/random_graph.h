// Random graphs over all operations and families, a pure function of a seed.
#pragma once

#include <vector>

#include "graph/evaluate.h"
#include "graph/graph.h"

namespace crease::differential {

struct RandomOptions {
  Type type = Type::f32;
  /// Only piecewise-linear operations and dyadic constants: values, slopes and directional derivatives are
  /// exact.
  bool piecewise_linear = false;
  /// Only operations without jumps, for comparisons with differences.
  bool continuous = false;
  /// Ties of their own on some kinked nodes.
  bool own_ties = false;
  /// Some values are held constant by stop_gradient.
  bool holds = false;
  /// Some values go through another type: through integers and truth values unless `continuous`.
  bool casts = false;
  int operations = 14;
  /// Dimensions up to 70 instead of 4: vectors, their remainders, and sums of several of them.
  bool large = false;
};

/// A graph with inputs (of a named dimension "batch" too), a parameter, constants and operations on them; an
/// output for each value that nothing reads; and the output "loss", a scalar that depends on all of them.
struct RandomGraph {
  Graph graph;
  Value loss;
  std::vector<Value> variables;  // floating inputs and the parameter
};

RandomGraph random_graph(uint64_t seed, const RandomOptions& options = {});

/// Inputs for it: multiples of 1/2 in [-2, 2], so that kinks and ties are hit all the time; or irregular
/// numbers of that size, so that none is.
Bindings halves(const Graph& graph, uint64_t seed, int64_t batch = 3);
Bindings irregular(const Graph& graph, uint64_t seed, int64_t batch = 3);

}  // namespace crease::differential
