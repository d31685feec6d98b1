#include "frontends/report/boxes.h"

#include <algorithm>
#include <map>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/saturation.h"
#include "graph/analysis/scaling.h"

namespace crease {
namespace {

NodeClass class_of(const Node& node, Part part) {
  switch (part) {
    case Part::Constant: return NodeClass::Constant;
    case Part::Affine: return NodeClass::Affine;
    case Part::Atom: break;
  }
  if (node.role == Role::Input || node.role == Role::Random) return NodeClass::Affine;  // itself
  if (node.role != Role::Apply) return NodeClass::Constant;
  const std::vector<Piecewise> affine(node.operands.size(), Piecewise::Affine);
  switch (piecewise_of(node, affine)) {
    case Piecewise::Constant:
    case Piecewise::Affine: return NodeClass::Affine;
    case Piecewise::Continuous:
    case Piecewise::Jumps: return NodeClass::Piecewise;
    case Piecewise::Other: return NodeClass::Smooth;
  }
  return NodeClass::Smooth;
}

/// "s1..s64": the coordinates of the rescaling group that act on a tensor, if each element has just one.
std::string scales_text(const std::vector<LinearForm<Rational>>& exponents) {
  int first = -1, last = -1;
  for (const auto& form : exponents) {
    if (form.empty()) continue;
    if (form.size() != 1) return "s*";
    const int k = form.begin()->first;
    first = first < 0 ? k : std::min(first, k);
    last = std::max(last, k);
  }
  if (first < 0) return "";
  return first == last ? fmt::format("s{}", first + 1) : fmt::format("s{}..s{}", first + 1, last + 1);
}

/// Nodes that depend on an input or a random number: the data, not the weights.
std::vector<bool> data_nodes(const Graph& graph) {
  std::vector<bool> data(static_cast<size_t>(graph.size()));
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    data[static_cast<size_t>(id)] =
        node.role == Role::Input || node.role == Role::Random ||
        std::ranges::any_of(node.operands, [&](NodeId k) { return data[static_cast<size_t>(k)]; });
  }
  return data;
}

/// The first `parts` parts of a dotted name.
std::string prefix(const std::string& name, size_t parts) {
  size_t end = 0;
  for (size_t i = 0; i < parts; ++i) {
    end = name.find('.', i == 0 ? 0 : end + 1);
    if (end == std::string::npos) return name;
  }
  return name.substr(0, end);
}

/// A module for each drawn node: its own name's prefix, else the module that owns a parameter that it reads,
/// else that of the data that it reads.
std::vector<std::string> modules(const Graph& graph, const std::vector<NodeId>& drawn, size_t parts) {
  std::map<NodeId, std::string> of;
  std::vector<std::string> result;
  for (const NodeId id : drawn) {
    const Node& node = graph.node(id);
    std::string module = node.name.empty() ? "" : prefix(node.name, parts);
    for (const NodeId operand : node.operands) {
      const std::string& name = graph.node(operand).name;
      if (module.empty() && !of.contains(operand) && name.find('.') != std::string::npos)
        module = prefix(name.substr(0, name.rfind('.')), parts);
    }
    for (const NodeId operand : node.operands)
      if (const auto found = of.find(operand); module.empty() && found != of.end()) module = found->second;
    of[id] = module;
    result.push_back(std::move(module));
  }
  return result;
}

/// The number of the box of each drawn node: neighbours of one module share one, so that no box depends on
/// itself through another.
std::vector<int> runs(const std::vector<std::string>& modules) {
  std::vector<int> box(modules.size());
  for (size_t i = 1; i < modules.size(); ++i)
    box[i] = box[i - 1] + (modules[i].empty() || modules[i] != modules[i - 1] ? 1 : 0);
  return box;
}

/// Numbers of boxes for the drawn nodes, at most `limit` of them.
std::vector<int> fold(const Graph& graph, const std::vector<NodeId>& drawn, size_t limit) {
  std::vector<int> box(drawn.size());
  if (drawn.size() <= limit) {
    for (size_t i = 0; i < box.size(); ++i) box[i] = static_cast<int>(i);
    return box;
  }
  for (size_t parts = 4; parts > 0; --parts) {
    box = runs(modules(graph, drawn, parts));
    if (static_cast<size_t>(box.back()) < limit) return box;
  }
  // Too many modules: as many neighbours of them in every box.
  const size_t count = static_cast<size_t>(box.back()) + 1;
  for (int& place : box) place = static_cast<int>(static_cast<size_t>(place) * limit / count);
  return box;
}

std::string label_of(const Graph& graph, const std::vector<NodeId>& members) {
  const Node& first = graph.node(members.front());
  const std::string kind = first.role == Role::Apply ? first.op->name : std::string(role_name(first.role));
  if (members.size() == 1)
    return fmt::format("{}: {} {}", node_key(graph, members.front()), kind, to_string(first.shape));
  return fmt::format("{} ... {} ({} nodes)", node_key(graph, members.front()),
                     node_key(graph, members.back()), members.size());
}

}  // namespace

std::string_view role_name(Role role) {
  switch (role) {
    case Role::Input: return "input";
    case Role::Parameter: return "parameter";
    case Role::Constant: return "constant";
    case Role::Random: return "random";
    case Role::Apply: return "apply";
    case Role::Scan: return "scan";
  }
  return "";
}

std::string_view to_string(NodeClass node_class) {
  switch (node_class) {
    case NodeClass::Constant: return "constant";
    case NodeClass::Affine: return "affine";
    case NodeClass::Piecewise: return "piecewise linear";
    case NodeClass::Smooth: return "smooth";
  }
  return "";
}

NodeFacts node_facts(const Graph& graph) {
  const Linearity linear = linearity(graph);
  const ScalingGroup group = scaling_group(graph);
  NodeFacts facts;
  facts.saturations.resize(static_cast<size_t>(graph.size()));
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Part part = linear.parts[static_cast<size_t>(id)];
    facts.classes.push_back(class_of(graph.node(id), part));
    facts.sinks.push_back(std::ranges::find(linear.sinks, id) != linear.sinks.end());
    facts.scales.push_back(part == Part::Constant ? "" : scales_text(group.exponents(id)));
  }
  for (const ActivationUse& use : activations(graph))
    for (const NodeId id : use.nodes)
      facts.saturations[static_cast<size_t>(id)] =
          fmt::format("saturates left {}, right {}", to_string(use.facts.left), to_string(use.facts.right));
  return facts;
}

BoxGraph boxes_of(const Graph& graph, const NodeFacts& facts, size_t limit) {
  const std::vector<bool> data = data_nodes(graph);
  std::vector<NodeId> drawn;
  for (NodeId id = 0; id < graph.size(); ++id)
    if (data[static_cast<size_t>(id)]) drawn.push_back(id);
  BoxGraph result;
  if (drawn.empty()) return result;

  const std::vector<int> folded = fold(graph, drawn, limit);
  std::vector<int> box_of(static_cast<size_t>(graph.size()), -1);
  result.boxes.resize(static_cast<size_t>(folded.back()) + 1);
  std::set<std::pair<int, int>> seen;
  for (size_t i = 0; i < drawn.size(); ++i) {
    const int to = folded[i];
    Box& box = result.boxes[static_cast<size_t>(to)];
    box_of[static_cast<size_t>(drawn[i])] = to;
    box.members.push_back(drawn[i]);
    for (const NodeId operand : graph.node(drawn[i]).operands) {
      const int from = box_of[static_cast<size_t>(operand)];
      if (from < 0 || from == to || !seen.insert({from, to}).second) continue;
      box.layer = std::max(box.layer, result.boxes[static_cast<size_t>(from)].layer + 1);
      result.arrows.push_back({.from = from, .to = to, .label = facts.scales[static_cast<size_t>(operand)]});
    }
  }
  for (Box& box : result.boxes) box.label = label_of(graph, box.members);
  return result;
}

}  // namespace crease
