// Makes a network smaller for inputs in a box: deletes units that are dead there, and replaces units that are
// always active by their arguments, which the collapse of affine layers then merges.
// Assumes a graph without updates. Holds afterwards: on the box every output is the same real function of the
// inputs, to the last bit of a rational (weights are moved, not changed); outside of the box it is not.
// Source: docs/analyses.md, simplification.
#pragma once

#include <string>
#include <vector>

#include "graph/analysis/bounds/units.h"
#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

/// What was done to one layer of units.
struct SimplifiedUnits {
  std::string node;
  int64_t deleted = 0;     // dead
  int64_t linearised = 0;  // always active
  int64_t kept = 0;
};

struct SimplifiedNetwork {
  Graph graph;
  std::vector<SimplifiedUnits> layers;
  std::vector<std::string> kept;           // layers with such units that were left as they are, and why
  std::optional<Certificate> certificate;  // "unit-verdicts" about the graph given, where it is small enough
};

/// Splits layers act(x W + b) that only products with stored matrices read; elsewhere a node all of whose
/// units are active is replaced by its argument. A layer that is all dead keeps one unit. Parameters that
/// nothing reads any more are dropped. Errors: those of BoxAnalysis; Error if the graph has updates.
SimplifiedNetwork simplify_units(const Graph& graph, const InputBox& box, const BoxOptions& options = {});

}  // namespace crease
