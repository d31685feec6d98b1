#include "graph/boost_graph.h"

#include <algorithm>

#include "graph/error.h"

namespace crease {

BoostGraph::BoostGraph(const Graph& graph, const std::vector<NodeId>& results)
    : graph_(&graph),
      out_(static_cast<size_t>(graph.size()) + 2),
      in_(static_cast<size_t>(graph.size()) + 2) {
  expect(!results.empty(), "[boost_graph] the graph has no outputs: name one with graph.output(...)");
  for (const NodeId id : ancestors(graph, results)) {
    const Node& node = graph.node(id);
    if (node.operands.empty()) connect(source(), id);
    for (const NodeId operand : node.operands) connect(operand, id);
  }
  for (const NodeId id : results) connect(id, sink());
}

void BoostGraph::connect(int from, int to) {
  auto& out = out_[static_cast<size_t>(from)];
  if (std::ranges::find(out, Edge{from, to}) != out.end()) return;
  out.push_back({from, to});
  in_[static_cast<size_t>(to)].push_back({from, to});
  edges_.push_back({from, to});
}

std::vector<NodeId> output_nodes(const Graph& graph) {
  std::vector<NodeId> nodes;
  for (const Output& output : graph.outputs())
    if (std::ranges::find(nodes, output.node) == nodes.end()) nodes.push_back(output.node);
  return nodes;
}

}  // namespace crease
