// The independent checker of certificates. It shares no code with the analyses that make them, only exact
// arithmetic (rationals, tables of one-argument bodies) and the names of nodes. It searches for nothing: it
// replays the steps of a certificate against the graph, exactly, and compares.
#pragma once

#include <string>
#include <string_view>

#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

/// Whether a certificate proves its claim about a graph.
struct CheckResult {
  bool accepted = false;
  /// What was proved, or why the certificate is refused.
  std::string reason;
};

/// Accepts or refuses a certificate given as JSON text. Never throws for a bad certificate: text that is not
/// JSON, of another format or kind, about another graph, or wrong in any step is refused with the reason.
CheckResult check(std::string_view json, const Graph& graph);
/// A certificate about two graphs: that they are equal, or that they are not.
CheckResult check(std::string_view json, const Graph& graph, const Graph& other);
CheckResult check(const Certificate& certificate, const Graph& graph);

}  // namespace crease
