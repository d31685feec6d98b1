#include "graph/boost_graph.h"

#include <doctest/doctest.h>

#include <boost/graph/graph_concepts.hpp>
#include <boost/graph/strong_components.hpp>
#include <boost/graph/topological_sort.hpp>

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"

using namespace crease;

namespace {

BOOST_CONCEPT_ASSERT((boost::BidirectionalGraphConcept<BoostGraph>));
BOOST_CONCEPT_ASSERT((boost::VertexListGraphConcept<BoostGraph>));
BOOST_CONCEPT_ASSERT((boost::EdgeListGraphConcept<BoostGraph>));

}  // namespace

TEST_CASE("Boost's algorithms walk a graph in place") {
  Graph graph;
  const Value x = graph.input("x", {4});
  const Value dead = tanh(x);
  const Value y = relu(x) + x * x;
  graph.output("y", y);
  const BoostGraph view(graph, output_nodes(graph));

  std::vector<int> order;
  boost::topological_sort(view, std::back_inserter(order));
  CHECK_EQ(order.size(), static_cast<size_t>(graph.size()) + 2);
  std::vector<size_t> place(order.size());
  for (size_t i = 0; i < order.size(); ++i) place[static_cast<size_t>(order[i])] = order.size() - i;
  for (const auto& edge : view.all_edges())
    CHECK_LT(place[static_cast<size_t>(edge.from)], place[static_cast<size_t>(edge.to)]);

  std::vector<int> component(num_vertices(view));
  const int components = boost::strong_components(
      view, boost::make_iterator_property_map(component.begin(), get(boost::vertex_index, view)));
  CHECK_EQ(components, view.vertex_count());  // acyclic: each vertex is one of its own

  CHECK_EQ(degree(dead.id(), view), 0u);
  CHECK_EQ(out_degree(x.id(), view), 2u);  // relu, and x * x once
  CHECK_EQ(in_degree(view.sink(), view), 1u);
  CHECK_EQ(view.out(view.source()).front().to, x.id());
}
