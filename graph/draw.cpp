#include "graph/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/filtered_graph.hpp>
#include <boost/graph/graphviz.hpp>
#include <boost/graph/transitive_reduction.hpp>
#include <functional>
#include <ostream>
#include <set>
#include <sstream>

#include "graph/boost_graph.h"

namespace crease {
namespace {

using Edge = BoostGraph::Edge;

/// Inside a quoted string of DOT: quotes, backslashes and control characters are escaped, so that a hostile
/// name stays a name.
std::string quoted(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n')
      result += "\\n";
    else if (static_cast<unsigned char>(c) >= 32)
      result += c;
  }
  return '"' + result + '"';
}

std::string kind_of(const Node& node) {
  switch (node.role) {
    case Role::Input: return "input";
    case Role::Parameter: return "parameter";
    case Role::Constant: return "constant";
    case Role::Random: return "random";
    case Role::Apply: return node.op->name;
    case Role::Scan: return "scan";
  }
  return "";
}

std::string label_of(const Graph& graph, NodeId id, const NodeStyle& style) {
  const Node& node = graph.node(id);
  const std::string name = node.name.empty() ? fmt::format("%{}", id) : node.name;
  std::string label =
      fmt::format("{}: {}\n{} {}", name, kind_of(node), to_string(node.type), to_string(node.shape));
  if (!style.note.empty()) label += "\n" + style.note;
  return label;
}

std::string_view shape_of(Role role) {
  switch (role) {
    case Role::Input: return "ellipse";
    case Role::Parameter: return "note";
    case Role::Constant:
    case Role::Random: return "plaintext";
    case Role::Apply: return "box";
    case Role::Scan: return "box3d";
  }
  return "box";
}

std::vector<NodeId> drawn_roots(const Graph& graph) {
  std::vector<NodeId> nodes = roots(graph);
  std::ranges::sort(nodes);
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

/// The nodes to draw: those that take part and, unless weights are wanted, depend on an input.
std::set<int> drawn_nodes(const BoostGraph& g, const DrawOptions& options) {
  std::set<int> drawn;
  const Graph& graph = g.graph();
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (degree(id, g) == 0) continue;
    const bool data = node.role == Role::Input || node.role == Role::Random ||
                      std::ranges::any_of(node.operands, [&](NodeId k) { return drawn.contains(k); });
    if (data || options.weights) drawn.insert(id);
  }
  return drawn;
}

/// The edges of the smallest graph with the same paths.
std::set<Edge> reduced_edges(const BoostGraph& g) {
  using Reduced = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;
  Reduced reduced;
  std::map<int, Reduced::vertex_descriptor> image;
  boost::transitive_reduction(g, reduced, boost::make_assoc_property_map(image), get(boost::vertex_index, g));
  std::map<Reduced::vertex_descriptor, int> origin;
  for (const auto& [vertex, other] : image) origin[other] = vertex;
  std::set<Edge> kept;
  for (const auto& edge : boost::make_iterator_range(boost::edges(reduced)))
    kept.insert({origin.at(boost::source(edge, reduced)), origin.at(boost::target(edge, reduced))});
  return kept;
}

void write_node(std::ostream& out, const Graph& graph, NodeId id, const DrawOptions& options) {
  const auto found = options.nodes.find(id);
  const NodeStyle style = found == options.nodes.end() ? NodeStyle{} : found->second;
  out << fmt::format("[label={}, shape={}", quoted(label_of(graph, id, style)),
                     shape_of(graph.node(id).role));
  if (!style.fill.empty()) out << fmt::format(", style=filled, fillcolor={}", quoted(style.fill));
  if (style.thick) out << ", penwidth=2";
  out << "]";
}

}  // namespace

std::string to_dot(const Graph& graph, const DrawOptions& options) {
  const BoostGraph g(graph, drawn_roots(graph));
  const std::set<int> drawn = drawn_nodes(g, options);
  const std::set<Edge> kept = options.transitive_reduction ? reduced_edges(g) : std::set<Edge>{};
  const std::function<bool(int)> keep_node = [&](int vertex) { return drawn.contains(vertex); };
  const std::function<bool(Edge)> keep_edge = [&](const Edge& edge) {
    return !options.transitive_reduction || kept.contains(edge);
  };
  const boost::filtered_graph picture(g, keep_edge, keep_node);
  std::ostringstream out;
  boost::write_graphviz(
      out, picture, [&](std::ostream& to, int vertex) { write_node(to, graph, vertex, options); },
      [&](std::ostream& to, const Edge& edge) {
        const auto label = options.edges.find(edge.from);
        if (label != options.edges.end()) to << fmt::format("[label={}]", quoted(label->second));
      },
      [&](std::ostream& to) {
        to << "rankdir=TB;\nnode [fontname=\"Helvetica\", fontsize=11];\nedge [fontname=\"Helvetica\", "
              "fontsize=9];\n";
        if (!options.title.empty()) to << fmt::format("label={};\nlabelloc=t;\n", quoted(options.title));
      });
  return out.str();
}

}  // namespace crease
