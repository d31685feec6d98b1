// The report as a picture.
#include <algorithm>

#include "frontends/report.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/saturation.h"
#include "graph/analysis/scaling.h"
#include "graph/draw.h"

namespace crease {
namespace {

/// Colour by what the node itself does.
std::string colour_of(const Node& node, Part part) {
  switch (part) {
    case Part::Constant: return "lightgrey";
    case Part::Affine: return "lightblue";
    case Part::Atom: break;
  }
  if (node.role != Role::Apply) return "lightgrey";
  const std::vector<Piecewise> affine(node.operands.size(), Piecewise::Affine);
  switch (piecewise_of(node, affine)) {
    case Piecewise::Constant:
    case Piecewise::Affine: return "lightblue";
    case Piecewise::Continuous:
    case Piecewise::Jumps: return "palegreen";
    case Piecewise::Other: return "khaki";
  }
  return "white";
}

/// "s1..s64": the coordinates of the rescaling group that act on a tensor, if each element has just one.
std::string units_text(const std::vector<LinearForm<Rational>>& exponents) {
  int first = -1, last = -1;
  for (const auto& form : exponents) {
    if (form.empty()) continue;
    if (form.size() != 1) return "s*";
    const int k = form.begin()->first;
    first = first < 0 ? k : std::min(first, k);
    last = std::max(last, k);
  }
  if (first < 0) return "";
  return first == last ? fmt::format("s{}", first + 1) : fmt::format("s{}..s{}", first + 1, last + 1);
}

}  // namespace

std::string to_dot(const Report& report) {
  const Graph& graph = report.graph;
  const Linearity facts = linearity(graph);
  const ScalingGroup group = scaling_group(graph);
  DrawOptions options{.title = report.title + ": " + network_line(graph)};
  for (NodeId id = 0; id < graph.size(); ++id) {
    const auto place = static_cast<size_t>(id);
    options.nodes[id] = {.note = {},
                         .fill = colour_of(graph.node(id), facts.parts[place]),
                         .thick = std::ranges::find(facts.sinks, id) != facts.sinks.end()};
    if (facts.parts[place] == Part::Constant) continue;
    if (const std::string units = units_text(group.exponents(id)); !units.empty()) options.edges[id] = units;
  }
  for (const ActivationUse& use : activations(graph))
    for (const NodeId id : use.nodes)
      options.nodes[id].note =
          fmt::format("saturates left {}, right {}", to_string(use.facts.left), to_string(use.facts.right));
  return to_dot(graph, options);
}

}  // namespace crease
