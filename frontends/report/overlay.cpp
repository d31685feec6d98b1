// The report as a picture.
#include "frontends/report/boxes.h"
#include "graph/draw.h"

namespace crease {
namespace {

std::string colour_of(NodeClass node_class) {
  switch (node_class) {
    case NodeClass::Constant: return "lightgrey";
    case NodeClass::Affine: return "lightblue";
    case NodeClass::Piecewise: return "palegreen";
    case NodeClass::Smooth: return "khaki";
  }
  return "white";
}

}  // namespace

std::string to_dot(const Report& report) {
  const Graph& graph = report.graph;
  const NodeFacts facts = node_facts(graph);
  DrawOptions options{.title = report.title + ": " + network_line(graph)};
  for (NodeId id = 0; id < graph.size(); ++id) {
    const auto place = static_cast<size_t>(id);
    options.nodes[id] = {.note = facts.saturations[place],
                         .fill = colour_of(facts.classes[place]),
                         .thick = facts.sinks[place]};
    if (!facts.scales[place].empty()) options.edges[id] = facts.scales[place];
  }
  return to_dot(graph, options);
}

}  // namespace crease
