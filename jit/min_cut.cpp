#include "jit/min_cut.h"

#include <algorithm>

namespace crease {
namespace {

constexpr int unreached = -1, start = -2;

}  // namespace

void FlowNetwork::add_edge(int from, int to, int64_t capacity) {
  edges_of_[static_cast<size_t>(from)].push_back(static_cast<int>(edges_.size()));
  edges_.push_back({to, capacity});
  edges_of_[static_cast<size_t>(to)].push_back(static_cast<int>(edges_.size()));
  edges_.push_back({from, 0});
}

/// Breadth first: by node the edge that led to it.
std::vector<int> FlowNetwork::search(int source) const {
  std::vector<int> by(edges_of_.size(), unreached);
  std::vector<int> queue{source};
  by[static_cast<size_t>(source)] = start;
  for (size_t next = 0; next < queue.size(); ++next)
    for (const int number : edges_of_[static_cast<size_t>(queue[next])]) {
      const Edge& edge = edges_[static_cast<size_t>(number)];
      if (edge.left == 0 || by[static_cast<size_t>(edge.to)] != unreached) continue;
      by[static_cast<size_t>(edge.to)] = number;
      queue.push_back(edge.to);
    }
  return by;
}

void FlowNetwork::fill(int source, int sink) {
  for (std::vector<int> by = search(source); by[static_cast<size_t>(sink)] != unreached;
       by = search(source)) {
    std::vector<size_t> path;
    int64_t flow = unlimited;
    for (int node = sink; node != source; node = edges_[path.back() ^ 1].to) {
      path.push_back(static_cast<size_t>(by[static_cast<size_t>(node)]));
      flow = std::min(flow, edges_[path.back()].left);
    }
    for (const size_t edge : path) {
      edges_[edge].left -= flow;
      edges_[edge ^ 1].left += flow;
    }
  }
}

std::vector<bool> FlowNetwork::sink_side(int source, int sink) {
  fill(source, sink);
  // Backwards from the sink along edges that have room.
  std::vector<bool> side(edges_of_.size(), false);
  std::vector<int> queue{sink};
  side[static_cast<size_t>(sink)] = true;
  for (size_t next = 0; next < queue.size(); ++next)
    for (const int number : edges_of_[static_cast<size_t>(queue[next])]) {
      const int from = edges_[static_cast<size_t>(number)].to;
      if (edges_[static_cast<size_t>(number ^ 1)].left == 0 || side[static_cast<size_t>(from)]) continue;
      side[static_cast<size_t>(from)] = true;
      queue.push_back(from);
    }
  return side;
}

}  // namespace crease
