// The cheapest set of edges that parts a network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace crease {

/// A directed network with capacities. Nodes are numbers from 0 on.
class FlowNetwork {
 public:
  static constexpr int64_t unlimited = INT64_MAX / 4;

  explicit FlowNetwork(int nodes) : edges_of_(static_cast<size_t>(nodes)) {}
  void add_edge(int from, int to, int64_t capacity);

  /// By node: whether it is on the sink's side of a minimal cut, the one nearest to the sink. Fills the
  /// network. Cost: one breadth-first search for each path that is filled, at most nodes * edges of them.
  /// Source: Edmonds and Karp 1972, theorem 1; Ford and Fulkerson 1956 for cut and flow.
  std::vector<bool> sink_side(int source, int sink);

 private:
  struct Edge {
    int to;
    int64_t left;  // capacity that no flow takes
  };

  std::vector<int> search(int source) const;
  void fill(int source, int sink);

  std::vector<Edge> edges_;  // an edge and its reverse stand side by side
  std::vector<std::vector<int>> edges_of_;
};

}  // namespace crease
