// Makes a network smaller for inputs in a box: deletes channels that are dead there (convolutions, linear
// layers, and all that lies between two of them), replaces units that are always on one piece by that line,
// and merges the affine layers that then lie next to each other, again and again until nothing changes.
// Assumes a graph without updates. Holds afterwards: on the box every output is the same real function of the
// inputs, but for the rounding of merged weights, which certificate.h ("simplification") bounds; outside of
// the box it is not. Source: docs/analyses.md, simplification.
#pragma once

#include <string>
#include <vector>

#include "graph/analysis/bounds/units.h"
#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

/// What was done to one layer of units.
struct SimplifiedUnits {
  std::string node;  // of the network given
  int64_t deleted = 0;
  int64_t linearised = 0;
  int64_t kept = 0;
};

/// One round: what went, and what is left.
struct SimplifiedRound {
  std::vector<SimplifiedUnits> layers = {};     // that changed
  std::vector<std::string> constants = {};      // nodes that are constant on the box
  int merged = 0;                               // affine parts that collapsed
  int64_t parameters = 0, multiplications = 0;  // afterwards; multiplications of one sample
};

struct SimplifiedNetwork {
  Graph graph;
  std::vector<SimplifiedRound> rounds = {};
  std::vector<SimplifiedUnits> layers = {};  // all rounds together, those without change too
  std::vector<std::string> kept = {};        // layers with dead or active units that stay, and why
  bool rounded = false;                      // merged weights or constants were rounded
};

struct SimplifyOptions {
  BoxOptions box = {};
  /// Merge affine layers, and split off always active units only where that then saves multiplications.
  /// False: weights are moved, never changed, and always active units are split off wherever they can be.
  bool collapse = true;
  int most_rounds = 32;
};

/// A layer that is all dead keeps one channel unless its result is constant. Parameters that nothing reads
/// any more are dropped. Errors: those of BoxAnalysis; Error if the graph has updates.
SimplifiedNetwork simplify_units(const Graph& graph, const InputBox& box,
                                 const SimplifyOptions& options = {});

}  // namespace crease
