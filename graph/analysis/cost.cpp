#include "graph/analysis/cost.h"

#include <set>

#include "graph/scan.h"

namespace crease {
namespace {

double size_of_dim(const Dim& dim, const Sizes& sizes) {
  if (!dim.is_symbol()) return static_cast<double>(dim.size());
  const auto found = sizes.find(dim.symbol());
  return found == sizes.end() ? 1.0 : static_cast<double>(found->second);
}

double count_of(const Shape& shape, const Sizes& sizes) {
  double count = 1;
  for (const Dim& dim : shape) count *= size_of_dim(dim, sizes);
  return count;
}

double bytes_of(const Node& node, const Sizes& sizes) {
  return count_of(node.shape, sizes) * static_cast<double>(size_of(node.type));
}

int64_t count_new(const Scalar& e, std::set<const ScalarNode*>& seen) {
  if (!seen.insert(e.id()).second || e.terms().empty()) return 0;
  int64_t count = 1;
  for (const Scalar& term : e.terms()) count += count_new(term, seen);
  return count;
}

Cost node_cost(const Graph& graph, const Node& node, const Sizes& sizes) {
  double points = 1;
  for (const Label& label : node.loops.labels) points *= size_of_dim(label.extent, sizes);
  const bool combines = node.op->combine != Combine::Assign;
  Cost cost{.operations = points * static_cast<double>(operation_count(node.op->body.expression) + combines),
            .bytes_read = 0,
            .bytes_written = bytes_of(node, sizes)};
  for (const NodeId operand : std::set<NodeId>(node.operands.begin(), node.operands.end()))
    cost.bytes_read += bytes_of(graph.node(operand), sizes);
  return cost;
}

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  operations += other.operations;
  bytes_read += other.bytes_read;
  bytes_written += other.bytes_written;
  return *this;
}

int64_t operation_count(const Scalar& body) {
  std::set<const ScalarNode*> seen;
  return count_new(body, seen);
}

/// A loop's first result stands for all of them.
Cost scan_cost(const Scan& scan, const Sizes& sizes) {
  Cost all = cost(scan.body, sizes).total;
  const auto steps = static_cast<double>(size_of_dim(scan.length, sizes));
  all.operations *= steps;
  all.bytes_read *= steps;
  all.bytes_written *= steps;
  return all;
}

int64_t parameter_count(const Graph& graph) {
  int64_t count = 0;
  for (const NodeId id : graph.parameters()) count += graph.node(id).value.count();
  return count;
}

CostReport cost(const Graph& graph, const Sizes& sizes) {
  CostReport report;
  std::set<std::pair<const Scan*, std::vector<NodeId>>> loops;  // counted already
  report.nodes.resize(static_cast<size_t>(graph.size()));
  for (const NodeId id : ancestors(graph, roots(graph))) {
    const Node& node = graph.node(id);
    if (node.role == Role::Parameter) {
      report.parameters += node.value.count();
      report.parameter_bytes += node.value.bytes();
    }
    if (node.role == Role::Scan && loops.emplace(node.scan.get(), node.operands).second) {
      report.nodes[static_cast<size_t>(id)] = scan_cost(*node.scan, sizes);
      report.total += report.nodes[static_cast<size_t>(id)];
    }
    if (node.role != Role::Apply) continue;
    report.nodes[static_cast<size_t>(id)] = node_cost(graph, node, sizes);
    report.total += report.nodes[static_cast<size_t>(id)];
  }
  return report;
}

}  // namespace crease
