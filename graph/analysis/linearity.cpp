#include "graph/analysis/linearity.h"

#include <algorithm>
#include <map>
#include <set>

#include "graph/analysis/dataflow.h"
#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/scalar/forms.h"
#include "graph/stored.h"

namespace crease {

namespace {

size_t at(NodeId id) { return static_cast<size_t>(id); }

std::vector<NodeId> variables_of(const Graph& graph) {
  std::vector<NodeId> result = graph.inputs();
  const std::vector<NodeId> parameters = graph.parameters();
  result.insert(result.end(), parameters.begin(), parameters.end());
  return result;
}

std::vector<Degree> degrees_of(const Graph& graph, NodeId id, const std::vector<NodeId>& variables,
                               const std::vector<std::vector<Degree>>& known) {
  const Node& node = graph.node(id);
  std::vector<Degree> result(variables.size());
  const auto self = std::find(variables.begin(), variables.end(), id);
  if (self != variables.end()) result[static_cast<size_t>(self - variables.begin())] = 1;
  if (node.role != Role::Apply && node.role != Role::Scan) return result;
  // A deep network has hundreds of parameters, but few ways in which a node depends on any of them.
  std::map<std::vector<Degree>, Degree> seen;
  std::vector<Degree> operands(node.operands.size());
  for (size_t k = 0; k < variables.size(); ++k) {
    for (size_t i = 0; i < operands.size(); ++i) operands[i] = known[at(node.operands[i])][k];
    if (std::ranges::all_of(operands, [](Degree d) { return d == 0; })) continue;
    const auto [place, fresh] = seen.try_emplace(operands, kNotPolynomial);
    if (fresh && node.role != Role::Scan && stores_exactly(graph, node))
      place->second = degree_of(node, operands);
    result[k] = place->second;
  }
  return result;
}

Piecewise piecewise_in_inputs(const Graph& graph, NodeId id, const std::vector<Piecewise>& known) {
  const Node& node = graph.node(id);
  if (node.role == Role::Input) return Piecewise::Affine;
  if (node.role == Role::Random) return Piecewise::Other;
  if (node.role != Role::Apply && node.role != Role::Scan) return Piecewise::Constant;
  std::vector<Piecewise> operands;
  for (const NodeId operand : node.operands) operands.push_back(known[at(operand)]);
  if (node.role == Role::Scan) {
    const bool constant = std::ranges::all_of(operands, [](Piecewise p) { return p == Piecewise::Constant; });
    return constant ? Piecewise::Constant : Piecewise::Other;
  }
  const Piecewise result = piecewise_of(node, operands);
  return result == Piecewise::Constant || stores_exactly(graph, node) ? result : Piecewise::Other;
}

/// How often a shape names each symbol; twice would make "one sample" ambiguous.
bool symbols_are_unique(const Shape& shape) {
  std::set<std::string> seen;
  return std::all_of(shape.begin(), shape.end(),
                     [&](const Dim& dim) { return !dim.is_symbol() || seen.insert(dim.symbol()).second; });
}

/// Whether an access touches a named dimension by anything but the plain label of that name.
bool crosses_rows(const Access& access, const Shape& shape, const std::vector<Label>& labels) {
  for (size_t i = 0; i < access.size(); ++i) {
    const int plain = access[i].plain_label();
    if (shape[i].is_symbol()) {
      if (plain < 0 || labels[static_cast<size_t>(plain)].extent != shape[i]) return true;
      continue;
    }
    for (const Term& term : access[i].terms)
      if (labels[static_cast<size_t>(term.label)].extent.is_symbol()) return true;
  }
  return false;
}

bool reads_rows(const Scalar& body, const std::vector<Label>& labels) {
  return any_step(body, [&](const Scalar& e) {
    return e.kind() == ScalarKind::Size ||
           (e.kind() == ScalarKind::Index && labels[static_cast<size_t>(e.position())].extent.is_symbol());
  });
}

/// Why an Apply node does not read and write samples (rows of named dimensions) in their own places, or is
/// not its body; empty if it does and is.
std::string crossing_reason(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const std::vector<Label>& labels = node.loops.labels;
  if (has_lookup(node)) return "looks up by data";
  if (!stores_exactly(graph, node)) return "cuts numbers to integers or wraps them around";
  if (!symbols_are_unique(node.shape)) return "has one named dimension twice";
  if (crosses_rows(node.loops.write, node.shape, labels)) return "writes across a named dimension";
  for (size_t k = 0; k < node.operands.size(); ++k) {
    const Shape& shape = graph.node(node.operands[k]).shape;
    if (!symbols_are_unique(shape)) return "has one named dimension twice";
    if (crosses_rows(node.loops.reads[k], shape, labels)) return "reads across a named dimension";
  }
  return "";
}

/// Sets why an Apply node does not treat samples alike and separately.
void find_mixing(const Graph& graph, NodeId id, Linearity& facts) {
  const Node& node = graph.node(id);
  const std::vector<Label>& labels = node.loops.labels;
  std::string& mixing = facts.mixing[at(id)];
  mixing = crossing_reason(graph, id);
  if (!mixing.empty()) return;
  for (const int label : reduced_labels(node.loops)) {
    const Dim& extent = labels[static_cast<size_t>(label)].extent;
    if (!extent.is_symbol()) continue;
    mixing = "combines over dimension " + to_string(extent);
    facts.combines[at(id)] = true;
    return;
  }
  if (reads_rows(node.op->body.expression, labels)) mixing = "depends on the row number or a named size";
}

std::vector<Degree> data_degrees(const Node& node, const std::vector<Part>& parts) {
  std::vector<Degree> result;
  for (const NodeId operand : node.operands) result.push_back(parts[at(operand)] == Part::Constant ? 0 : 1);
  return result;
}

/// Sets part and mixing of one node from those of its operands.
void classify(const Graph& graph, NodeId id, Linearity& facts) {
  const Node& node = graph.node(id);
  if (node.role == Role::Parameter || node.role == Role::Constant) {
    facts.parts[at(id)] = Part::Constant;
    return;
  }
  facts.parts[at(id)] = Part::Atom;
  if (node.role == Role::Scan) facts.mixing[at(id)] = "is a loop over time";
  if (node.role != Role::Apply) return;
  find_mixing(graph, id, facts);
  const Degree degree = degree_of(node, data_degrees(node, facts.parts));
  if (degree > 1 || !facts.mixing[at(id)].empty()) return;
  const bool constant = std::all_of(node.operands.begin(), node.operands.end(), [&](NodeId operand) {
    return facts.parts[at(operand)] == Part::Constant;
  });
  facts.parts[at(id)] = constant ? Part::Constant : Part::Affine;
}

std::vector<NodeId> frontier_of(const Graph& graph, NodeId id, const Linearity& facts) {
  if (facts.parts[at(id)] == Part::Atom) return {id};
  if (facts.parts[at(id)] == Part::Constant) return {};
  std::set<NodeId> result;
  for (const NodeId operand : graph.node(id).operands)
    result.insert(facts.frontiers[at(operand)].begin(), facts.frontiers[at(operand)].end());
  return {result.begin(), result.end()};
}

std::vector<NodeId> sinks_of(const Graph& graph, const Linearity& facts) {
  std::vector<bool> ends(at(graph.size()));
  for (const NodeId root : roots(graph)) ends[at(root)] = true;
  for (NodeId id = 0; id < graph.size(); ++id)
    if (facts.parts[at(id)] == Part::Atom)
      for (const NodeId operand : graph.node(id).operands) ends[at(operand)] = true;
  std::vector<NodeId> result;
  for (NodeId id = 0; id < graph.size(); ++id)
    if (ends[at(id)] && facts.parts[at(id)] == Part::Affine) result.push_back(id);
  return result;
}

}  // namespace

Degree Linearity::degree(NodeId node, NodeId variable) const {
  const auto found = std::find(variables.begin(), variables.end(), variable);
  expect(found != variables.end(), "[linearity] node %{} is no input or parameter", variable);
  return degrees[at(node)][static_cast<size_t>(found - variables.begin())];
}

std::vector<NodeId> affine_nodes(const Graph& graph, const Linearity& facts, NodeId sink,
                                 const std::vector<NodeId>& cut) {
  std::set<NodeId> found;
  std::vector<NodeId> open{sink};
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    if (!found.insert(id).second) continue;
    for (const NodeId operand : graph.node(id).operands) {
      const bool stop = std::find(cut.begin(), cut.end(), operand) != cut.end();
      if (facts.parts[at(operand)] == Part::Affine && !stop) open.push_back(operand);
    }
  }
  return {found.begin(), found.end()};
}

Linearity linearity(const Graph& graph) {
  Linearity facts;
  facts.variables = variables_of(graph);
  facts.degrees = forward_facts<std::vector<Degree>>(
      graph, [&](NodeId id, const auto& known) { return degrees_of(graph, id, facts.variables, known); });
  facts.piecewise = forward_facts<Piecewise>(
      graph, [&](NodeId id, const auto& known) { return piecewise_in_inputs(graph, id, known); });
  facts.parts.resize(at(graph.size()));
  facts.mixing.resize(at(graph.size()));
  facts.combines.resize(at(graph.size()));
  facts.frontiers.resize(at(graph.size()));
  for (NodeId id = 0; id < graph.size(); ++id) {
    classify(graph, id, facts);
    facts.frontiers[at(id)] = frontier_of(graph, id, facts);
  }
  facts.sinks = sinks_of(graph, facts);
  facts.sink_uses.resize(at(graph.size()));
  for (const NodeId sink : facts.sinks)
    for (const NodeId id : affine_nodes(graph, facts, sink)) ++facts.sink_uses[at(id)];
  return facts;
}

}  // namespace crease
