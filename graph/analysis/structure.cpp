#include "graph/analysis/structure.h"

#include <algorithm>
#include <boost/graph/dominator_tree.hpp>
#include <boost/graph/reverse_graph.hpp>

#include "graph/boost_graph.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

/// Which nodes carry data: they depend on an input (or on chance).
std::vector<bool> data_nodes(const Graph& graph) {
  std::vector<bool> data;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    const bool reads =
        std::ranges::any_of(node.operands, [&](NodeId k) { return data[static_cast<size_t>(k)]; });
    data.push_back(reads || node.role == Role::Input || node.role == Role::Random);
  }
  return data;
}

/// Nearest vertex after each one that all its paths to the sink pass; -1 for none.
std::vector<int> immediate_postdominators(const BoostGraph& g) {
  std::vector<int> postdominator(num_vertices(g), -1);
  const auto reversed = boost::make_reverse_graph(g);
  boost::lengauer_tarjan_dominator_tree(
      reversed, g.sink(),
      boost::make_iterator_property_map(postdominator.begin(), get(boost::vertex_index, g)));
  return postdominator;
}

/// Nodes on a path from entry to exit, both excluded.
std::vector<NodeId> between(const BoostGraph& g, NodeId entry, int exit) {
  std::vector<bool> reached(num_vertices(g), false);
  reached[static_cast<size_t>(entry)] = true;
  std::vector<NodeId> inside;
  // Ids ascend along every path, so one sweep is enough.
  for (NodeId id = entry + 1; id < std::min(exit, g.graph().size()); ++id)
    for (const auto& edge : g.in(id))
      if (reached[static_cast<size_t>(edge.from)] && !reached[static_cast<size_t>(id)]) {
        reached[static_cast<size_t>(id)] = true;
        inside.push_back(id);
      }
  return inside;
}

/// A sum of its operands, nothing else.
bool is_addition(const Node& node) {
  return node.role == Role::Apply && node.op->combine == Combine::Assign &&
         adds_operands(node.op->body.expression);
}

Region region_at(const BoostGraph& g, NodeId entry, int exit) {
  Region region{.entry = entry, .exit = g.is_node(exit) ? exit : -1, .inside = between(g, entry, exit)};
  if (region.exit < 0) return region;
  const Node& node = g.graph().node(region.exit);
  region.residual = is_addition(node) && std::ranges::find(node.operands, entry) != node.operands.end();
  return region;
}

/// Vertices on every path from source to sink: the postdominators of the source.
std::vector<NodeId> stages_of(const BoostGraph& g, const std::vector<int>& postdominator,
                              const std::vector<bool>& data) {
  std::vector<NodeId> inputs;
  for (const auto& edge : g.out(g.source()))
    if (data[static_cast<size_t>(edge.to)]) inputs.push_back(edge.to);
  std::vector<NodeId> common;
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::vector<NodeId> chain;
    for (int v = inputs[i]; v >= 0 && g.is_node(v); v = postdominator[static_cast<size_t>(v)])
      chain.push_back(v);
    if (i == 0) {
      common = chain;
      continue;
    }
    std::erase_if(common, [&](NodeId id) { return std::ranges::find(chain, id) == chain.end(); });
  }
  return common;
}

}  // namespace

Structure structure(const Graph& graph) {
  const BoostGraph g(graph, output_nodes(graph));
  const std::vector<bool> data = data_nodes(graph);
  const std::vector<int> postdominator = immediate_postdominators(g);
  Structure result{.stages = stages_of(g, postdominator, data), .regions = {}};
  for (NodeId id = 0; id < graph.size(); ++id)
    if (data[static_cast<size_t>(id)] && out_degree(id, g) > 1)
      result.regions.push_back(region_at(g, id, postdominator[static_cast<size_t>(id)]));
  return result;
}

}  // namespace crease
