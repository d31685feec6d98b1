// The verifier: every invariant of a graph, checked from scratch; run after passes in debug builds and on
// text input.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// All violations, each naming node and source line; empty if the graph is sound. Checks: operands precede
/// their node, shapes and types follow from the loops, accesses stay inside their rank, names are unique,
/// updates fit their parameter.
std::vector<std::string> problems(const Graph& graph);

/// Errors: Error listing all problems at once.
void verify(const Graph& graph);

/// Checks that a pass kept what it must: outputs, updates, and the Tie of every kinked node that it kept or
/// rewrote. Errors: Bug naming the pass, the node and the Tie.
void verify_pass(const Graph& before, const Rewrite& after, const std::string& pass);

}  // namespace crease
