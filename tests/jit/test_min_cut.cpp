#include "jit/min_cut.h"

#include <doctest/doctest.h>

#include <random>
#include <tuple>

using namespace crease;

namespace {

using Edges = std::vector<std::tuple<int, int, int64_t>>;

/// Capacity of the edges from outside the side into it.
int64_t cost_of(const Edges& edges, const std::vector<bool>& side) {
  int64_t cost = 0;
  for (const auto& [from, to, capacity] : edges)
    if (!side[static_cast<size_t>(from)] && side[static_cast<size_t>(to)]) cost += capacity;
  return cost;
}

std::vector<bool> side_of(unsigned bits, int nodes) {
  std::vector<bool> side;
  for (int node = 0; node < nodes; ++node) side.push_back((bits >> node & 1) != 0);
  return side;
}

}  // namespace

TEST_CASE("a cut is the cheapest of all, and among those the smallest on the sink's side") {
  std::mt19937 random(1);
  constexpr int nodes = 7;
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    Edges edges;
    FlowNetwork network(nodes);
    for (int i = 0; i < 14; ++i) {
      const int from = static_cast<int>(random() % nodes), to = static_cast<int>(random() % nodes);
      if (from == to) continue;
      edges.emplace_back(from, to, static_cast<int64_t>(random() % 5));
      network.add_edge(from, to, std::get<2>(edges.back()));
    }
    const std::vector<bool> side = network.sink_side(0, nodes - 1);
    REQUIRE(!side.front());
    REQUIRE(side.back());
    int64_t least = FlowNetwork::unlimited;
    for (unsigned bits = 1U << (nodes - 1); bits < 1U << nodes; ++bits)
      if ((bits & 1) == 0) least = std::min(least, cost_of(edges, side_of(bits, nodes)));
    CHECK(cost_of(edges, side) == least);
    for (unsigned bits = 1U << (nodes - 1); bits < 1U << nodes; ++bits) {
      const std::vector<bool> other = side_of(bits, nodes);
      if ((bits & 1) != 0 || cost_of(edges, other) != least) continue;
      for (int node = 0; node < nodes; ++node)
        CHECK((!side[static_cast<size_t>(node)] || other[static_cast<size_t>(node)]));
    }
  }
}
