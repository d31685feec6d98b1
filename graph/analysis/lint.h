// Habits that are usually mistakes, each with the reason: a relu on an output, softmax over a relu, a layer
// without bias, an output that cannot reach its targets.
//
// Level: structure, but for dead layers (values). A finding says that the pattern is there, not that it is
// wrong: hence verdict unknown; a dead layer is proved, by the signs of the convexity analysis.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

struct Lint {
  std::string code;  // "relu-on-output", "softmax-over-relu", "dead-layer", "missing-bias",
                     // "target-out-of-range"
  NodeId node = -1;
  std::string reason;
  bool warning = true;  // else a note: often meant
  bool proved = false;
};

struct LintOptions {
  /// Least and greatest target, where they are known.
  std::optional<std::pair<double, double>> targets = {};
};

std::vector<Lint> lint(const Graph& graph, const LintOptions& options = {});

/// One finding a warning, and one for all layers without bias.
std::vector<Finding> lint_findings(const Graph& graph, const LintOptions& options = {});

}  // namespace crease
