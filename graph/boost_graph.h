// A Graph as Boost.Graph sees it: vertices are node ids, edges lead from an operand to the node that reads
// it, walked in place. Heavy: include it in .cpp files only, and the Boost algorithms beside it.
//
// Two more vertices make every algorithm's single entry and exit: `source()`, with an edge to each leaf, and
// `sink()`, with an edge from each output.
#pragma once

#include <boost/graph/graph_traits.hpp>
#include <boost/graph/properties.hpp>
#include <boost/property_map/property_map.hpp>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// Models Boost's BidirectionalGraph, VertexListGraph and EdgeListGraph. Only the nodes that `results` need
/// take part; the others are vertices without edges. The Graph must outlive the view. An operand that a node
/// reads twice gives one edge.
class BoostGraph {
 public:
  struct Edge {
    int from = -1, to = -1;
    bool operator==(const Edge&) const = default;
    auto operator<=>(const Edge&) const = default;
  };

  /// transitive_reduction asks the graph itself for this one.
  using out_edge_iterator = std::vector<Edge>::const_iterator;

  /// Errors: Error if there are no results.
  BoostGraph(const Graph& graph, const std::vector<NodeId>& results);

  const Graph& graph() const { return *graph_; }
  int vertex_count() const { return static_cast<int>(out_.size()); }
  int source() const { return graph_->size(); }
  int sink() const { return graph_->size() + 1; }
  bool is_node(int vertex) const { return vertex < graph_->size(); }
  const std::vector<Edge>& out(int vertex) const { return out_[static_cast<size_t>(vertex)]; }
  const std::vector<Edge>& in(int vertex) const { return in_[static_cast<size_t>(vertex)]; }
  const std::vector<Edge>& all_edges() const { return edges_; }

 private:
  void connect(int from, int to);

  const Graph* graph_;
  std::vector<std::vector<Edge>> out_, in_;
  std::vector<Edge> edges_;
};

/// Nodes of the outputs, each once.
std::vector<NodeId> output_nodes(const Graph& graph);

/// Counts up; the iterator over vertices.
class VertexIterator {
 public:
  using iterator_category = std::random_access_iterator_tag;
  using value_type = int;
  using difference_type = std::ptrdiff_t;
  using pointer = const int*;
  using reference = int;

  VertexIterator() = default;
  explicit VertexIterator(int vertex) : vertex_(vertex) {}
  int operator*() const { return vertex_; }
  VertexIterator& operator++() { return ++vertex_, *this; }
  VertexIterator operator++(int) { return VertexIterator(vertex_++); }
  VertexIterator& operator--() { return --vertex_, *this; }
  VertexIterator& operator+=(difference_type n) { return vertex_ += static_cast<int>(n), *this; }
  difference_type operator-(const VertexIterator& other) const { return vertex_ - other.vertex_; }
  bool operator==(const VertexIterator&) const = default;

 private:
  int vertex_ = 0;
};

}  // namespace crease

namespace boost {

template <>
struct graph_traits<crease::BoostGraph> {
  struct traversal_category : public virtual bidirectional_graph_tag,
                              public virtual vertex_list_graph_tag,
                              public virtual edge_list_graph_tag {};
  using vertex_descriptor = int;
  using edge_descriptor = crease::BoostGraph::Edge;
  using directed_category = bidirectional_tag;
  using edge_parallel_category = disallow_parallel_edge_tag;
  using vertex_iterator = crease::VertexIterator;
  using out_edge_iterator = std::vector<edge_descriptor>::const_iterator;
  using in_edge_iterator = std::vector<edge_descriptor>::const_iterator;
  using edge_iterator = std::vector<edge_descriptor>::const_iterator;
  using vertices_size_type = size_t;
  using edges_size_type = size_t;
  using degree_size_type = size_t;
  static vertex_descriptor null_vertex() { return -1; }
};

template <>
struct property_map<crease::BoostGraph, vertex_index_t> {
  using type = typed_identity_property_map<int>;
  using const_type = type;
};

}  // namespace boost

namespace crease {

inline std::pair<VertexIterator, VertexIterator> vertices(const BoostGraph& g) {
  return {VertexIterator(0), VertexIterator(g.vertex_count())};
}
inline size_t num_vertices(const BoostGraph& g) { return static_cast<size_t>(g.vertex_count()); }
inline auto edges(const BoostGraph& g) { return std::pair(g.all_edges().begin(), g.all_edges().end()); }
inline size_t num_edges(const BoostGraph& g) { return g.all_edges().size(); }
inline auto out_edges(int vertex, const BoostGraph& g) {
  return std::pair(g.out(vertex).begin(), g.out(vertex).end());
}
inline auto in_edges(int vertex, const BoostGraph& g) {
  return std::pair(g.in(vertex).begin(), g.in(vertex).end());
}
inline size_t out_degree(int vertex, const BoostGraph& g) { return g.out(vertex).size(); }
inline size_t in_degree(int vertex, const BoostGraph& g) { return g.in(vertex).size(); }
inline size_t degree(int vertex, const BoostGraph& g) { return out_degree(vertex, g) + in_degree(vertex, g); }
inline int source(const BoostGraph::Edge& edge, const BoostGraph&) { return edge.from; }
inline int target(const BoostGraph::Edge& edge, const BoostGraph&) { return edge.to; }
inline boost::typed_identity_property_map<int> get(boost::vertex_index_t, const BoostGraph&) { return {}; }

}  // namespace crease
