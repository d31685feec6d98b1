// What a graph costs to run once, counted from its loops and bodies: arithmetic, memory traffic without any
// fusion, parameters. Counts, not measurements.
#pragma once

#include <vector>

#include "graph/evaluate.h"
#include "graph/graph.h"

namespace crease {

/// Cost of one node, or of several together.
struct Cost {
  double operations = 0;  // scalar arithmetic, a combined element counts one more; exp, tanh, ... count one
  double bytes_read = 0;  // each operand once
  double bytes_written = 0;  // the result once
  Cost& operator+=(const Cost& other);
};

struct CostReport {
  std::vector<Cost> nodes;  // by node; zero for those that no output or update needs
  Cost total;
  int64_t parameters = 0;  // entries of the parameters that are needed
  int64_t parameter_bytes = 0;
};

/// Scalar operations that one evaluation of a body takes; shared sub-expressions count once, moves nothing.
int64_t operation_count(const Scalar& body);

/// Entries of all parameters.
int64_t parameter_count(const Graph& graph);

/// Cost of what outputs and updates need. Named dimensions that `sizes` does not give count as 1.
/// Points that an access leaves (padding) are counted as if they were inside.
CostReport cost(const Graph& graph, const Sizes& sizes = {});

}  // namespace crease
