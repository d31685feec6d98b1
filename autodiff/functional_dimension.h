// How many directions of parameter space change the function: the rank of the Jacobian of the outputs at many
// inputs with respect to the parameters. What is lost is symmetry: rescaling explains one part, the rest is
// beyond it (linear layers, dead or parallel neurons).
// Level: values (these parameters). Where the linear pieces of the network are enumerated (few inputs) the
// rank over n + 1 points of each piece is exact; otherwise, and where these are too many to look at, it is a
// lower bound, which is exact if it reaches what rescaling leaves.
// Source: Grigsby, Lindsey, Meyerhoff, Wu 2022 (arXiv 2209.04036).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

struct FunctionalDimension {
  int64_t parameters = 0;
  std::optional<int64_t> dimension = {};  // none: `reason`
  bool exact = false;                     // else a lower bound
  int64_t explained_by_scaling = 0;       // dimension of the group of positive rescalings
  int64_t points = 0;                     // inputs looked at
  std::string reason = {};

  int64_t lost() const { return parameters - dimension.value_or(0); }
  int64_t beyond_scaling() const { return lost() - explained_by_scaling; }
};

struct FunctionalDimensionOptions {
  /// Parameters that are no variables, by name: running statistics.
  std::set<std::string> fixed = {};
  /// Entries that are structurally absent, by parameter: they are not counted.
  std::map<std::string, std::set<int64_t>> absent = {};
  int64_t parameter_limit = 400;   // the Jacobian is made of exact numbers
  int64_t samples = 64;            // random inputs where pieces are not enumerated
  int64_t work_limit = 8'000'000;  // loop points of exact gradients in all: some seconds
  uint64_t seed = 1;
};

/// No dimension, with the reason: too many parameters, or too much work for one input; values or slopes that
/// are not rational; parameters on a kink (an argument that is 0 for all inputs), where derivatives of two
/// sides differ. Errors: Error if the graph has no outputs.
FunctionalDimension functional_dimension(const Graph& graph, const FunctionalDimensionOptions& options = {});

/// One finding, id "functional-dimension"; nothing where there is no dimension.
std::vector<Finding> functional_dimension_findings(const Graph& graph);

}  // namespace crease
