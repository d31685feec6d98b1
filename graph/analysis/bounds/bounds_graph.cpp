#include "graph/analysis/bounds/bounds_graph.h"

#include "graph/analysis/bounds/ends_builder.h"
#include "graph/error.h"

namespace crease {

std::string low_name(const std::string& name) { return name + ".low"; }
std::string high_name(const std::string& name) { return name + ".high"; }

Graph bounds_graph(const Graph& graph, const std::vector<Output>& wanted, Type type, LineUse lines) {
  expect(is_floating(type), "[bounds] type of the ends: got {}, want f64 or f32", to_string(type));
  expect(!wanted.empty(), "[bounds] nothing to bound: got 0 nodes, want at least 1");
  Graph result;
  std::vector<NodeId> ids;
  for (const Output& output : wanted) ids.push_back(output.node);
  EndsBuilder builder(graph, result.handle(), type, lines);
  const std::vector<Bound> bounds = builder.run(ids);
  for (size_t k = 0; k < wanted.size(); ++k) {
    const Bound ends = builder.as_ends(bounds[k]);
    result.output(low_name(wanted[k].name), builder.map("low", -Scalar::argument(0), {ends.negated_low}));
    result.output(high_name(wanted[k].name), ends.high);
  }
  return result;
}

}  // namespace crease
