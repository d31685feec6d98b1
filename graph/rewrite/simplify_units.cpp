#include "graph/rewrite/simplify_units.h"

#include <algorithm>
#include <map>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/dataflow.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"

namespace crease {

namespace {

size_t at(int64_t k) { return static_cast<size_t>(k); }

using Indices = std::vector<int64_t>;

/// x W + b, the nodes that it is made of.
struct Linear {
  NodeId product = -1, weight = -1, bias = -1;  // bias -1: none
};

/// A layer act(x W + b) and what becomes of its units.
struct Layer {
  NodeId node = -1;
  Linear before;
  Indices kept, linear;  // units; the others are deleted
};

/// rows and columns of a matrix, or elements of a vector (one row).
Tensor part_of(const Tensor& tensor, const Indices& rows, const Indices& columns) {
  const bool is_matrix = tensor.sizes().size() == 2;
  const auto count = static_cast<int64_t>(columns.size());
  Tensor result(tensor.type(),
                is_matrix ? std::vector{static_cast<int64_t>(rows.size()), count} : std::vector{count});
  for (size_t r = 0; r < (is_matrix ? rows.size() : 1); ++r)
    for (size_t c = 0; c < columns.size(); ++c)
      result.set(static_cast<int64_t>(r) * count + static_cast<int64_t>(c),
                 tensor.at((is_matrix ? rows[r] : 0) * tensor.sizes().back() + columns[c]));
  return result;
}

Indices all_of(int64_t count) {
  Indices result;
  for (int64_t i = 0; i < count; ++i) result.push_back(i);
  return result;
}

/// Finds the layers that can be split.
class Finder {
 public:
  Finder(const Graph& graph, const std::vector<UnitNode>& units) : graph_(graph), readers_(readers(graph)) {
    for (const Output& output : graph.outputs()) outputs_.insert(output.node);
    for (const UnitNode& node : units) sort(node);
  }

  std::map<NodeId, Layer> layers;
  std::set<NodeId> identities;  // nodes that are their argument
  std::vector<std::string> kept;

 private:
  const std::vector<NodeId>& read_by(NodeId id) const { return readers_[at(id)]; }

  void sort(const UnitNode& node) {
    const auto count = static_cast<int64_t>(node.units.size());
    const int64_t active = node.count(UnitState::Active), dead = node.count(UnitState::Dead);
    if (active + dead == 0) return;
    const Op& op = *graph_.node(node.node).op;
    const bool plain = graph_.node(node.node).operands.size() == 1 && op.loops.empty();
    const bool unit_slope = plain && is_identity_right_of_0(op);
    if (active == count && unit_slope) {
      identities.insert(node.node);
      return;
    }
    const auto before = linear_before(node);
    if (!plain || !before || !read_by_products(node.node)) {
      kept.push_back(
          fmt::format("{}: {} dead and {} active units, but it is no layer of units between products",
                      node_key(graph_, node.node), dead, active));
      return;
    }
    Layer layer{node.node, *before, {}, {}};
    for (const Unit& unit : node.units) {
      if (unit.state == UnitState::Dead) continue;
      (unit.state == UnitState::Active && unit_slope ? layer.linear : layer.kept).push_back(unit.element);
    }
    if (layer.kept.empty() && layer.linear.empty()) layer.kept = {0};
    layers.emplace(node.node, std::move(layer));
  }

  static bool is_identity_right_of_0(const Op& op) {
    const auto table = piecewise_linear(op.body.expression);
    return table && table->knots.size() == 1 && table->slopes[1] == 1 && table->offsets[1].is_zero();
  }

  bool is_parameter(NodeId id, size_t rank) const {
    const Node& node = graph_.node(id);
    return (node.role == Role::Parameter || node.role == Role::Constant) && node.shape.size() == rank;
  }

  bool is_product(NodeId id) const {
    const Node& node = graph_.node(id);
    return node.role == Role::Apply && node.op->name == "matmul" && is_parameter(node.operands[1], 2);
  }

  /// The only reader of a node that is no output.
  bool only_read_by(NodeId id, NodeId reader) const {
    return !outputs_.contains(id) && read_by(id) == std::vector{reader};
  }

  std::optional<Linear> linear_before(const UnitNode& node) const {
    const Node& sum = graph_.node(node.operand);
    if (!only_read_by(node.operand, node.node)) return {};
    if (is_product(node.operand)) return Linear{node.operand, sum.operands[1], -1};
    if (sum.role != Role::Apply || sum.op->name != "add") return {};
    for (const size_t k : {0U, 1U}) {
      const NodeId product = sum.operands[k], bias = sum.operands[1 - k];
      if (is_product(product) && is_parameter(bias, 1) && only_read_by(product, node.operand) &&
          graph_.node(bias).shape.back() == graph_.node(product).shape.back())
        return Linear{product, graph_.node(product).operands[1], bias};
    }
    return {};
  }

  bool read_by_products(NodeId id) const {
    return !outputs_.contains(id) && !read_by(id).empty() &&
           std::ranges::all_of(read_by(id), [&](NodeId reader) {
             return is_product(reader) && graph_.node(reader).operands[0] == id;
           });
  }

  const Graph& graph_;
  const std::vector<std::vector<NodeId>> readers_;
  std::set<NodeId> outputs_;
};

/// Builds the smaller graph from its outputs backwards.
class Builder {
 public:
  Builder(const Graph& old, const Finder& found) : old_(old), found_(found) {
    if (old.tie()) graph_.set_tie(*old.tie());
  }

  Graph run() {
    std::vector<NodeId> wanted;
    for (const Output& output : old_.outputs()) wanted.push_back(output.node);
    for (const NodeId id : old_.inputs()) copies_[id] = graph_.copy(old_.node(id), {});
    for (const NodeId id : ancestors(old_, wanted))
      for (const auto& [node, layer] : found_.layers)
        if (id == layer.before.product)
          skipped_.insert({layer.before.product, layer.node, old_.node(layer.node).operands[0]});
    for (const Output& output : old_.outputs()) graph_.output(output.name, made(output.node));
    return std::move(graph_);
  }

 private:
  /// The new value of a node that keeps its shape.
  Value made(NodeId id) {
    if (const auto known = copies_.find(id); known != copies_.end()) return known->second;
    // Operands first, in order, without a deep recursion.
    for (const NodeId earlier : ancestors(old_, std::span(&id, 1)))
      if (!copies_.contains(earlier) && !skipped_.contains(earlier) && is_wanted(earlier))
        copies_[earlier] = make(earlier);
    return copies_.at(id);
  }

  /// Stored matrices are made where they are used: perhaps only parts of them are.
  bool is_wanted(NodeId id) const { return old_.node(id).role == Role::Apply; }

  Value operand(NodeId id) {
    if (is_wanted(id)) return copies_.at(id);
    auto [place, fresh] = copies_.try_emplace(id);
    if (fresh) place->second = graph_.copy(old_.node(id), {});
    return place->second;
  }

  Value make(NodeId id) {
    const Node& node = old_.node(id);
    if (found_.identities.contains(id)) return operand(node.operands[0]);
    if (node.op->name == "matmul" && found_.layers.contains(node.operands[0])) {
      const Value value = product(id, all_of(node.shape.back().size()), "");
      if (!node.name.empty()) graph_.set_name(value, node.name);
      return value;
    }
    std::vector<Value> operands;
    for (const NodeId from : node.operands) operands.push_back(operand(from));
    return graph_.copy(node, operands);
  }

  /// The columns of x W, where x may be a layer that was split.
  Value product(NodeId id, const Indices& columns, const std::string& suffix) {
    const Node& node = old_.node(id);
    const auto layer = found_.layers.find(node.operands[0]);
    if (layer == found_.layers.end())
      return matmul(
          operand(node.operands[0]),
          matrix(node.operands[1], all_of(old_.node(node.operands[1]).shape[0].size()), columns, suffix),
          node.where);
    const auto& [kept, linear] = parts(layer->second);
    Value sum;
    if (kept)
      sum = matmul(kept, matrix(node.operands[1], layer->second.kept, columns, suffix + ".kept"), node.where);
    if (!linear) return sum;
    const Value rest = matmul(
        linear, matrix(node.operands[1], layer->second.linear, columns, suffix + ".linear"), node.where);
    return sum ? add(sum, rest, node.where) : rest;
  }

  /// The units of a layer that stay, and the arguments of those that are linear.
  const std::pair<Value, Value>& parts(const Layer& layer) {
    auto [place, fresh] = parts_.try_emplace(layer.node);
    if (!fresh) return place->second;
    const Node& node = old_.node(layer.node);
    std::pair<Value, Value> made_parts;
    if (!layer.kept.empty()) {
      const Value argument = linear_part(layer, layer.kept, ".kept");
      made_parts.first = graph_.apply(node.op, {argument}, node.where, node.tie);
      if (!node.name.empty()) graph_.set_name(made_parts.first, node.name);
    }
    if (!layer.linear.empty()) made_parts.second = linear_part(layer, layer.linear, ".linear");
    return parts_[layer.node] = made_parts;
  }

  Value linear_part(const Layer& layer, const Indices& units, const std::string& suffix) {
    const Value sum = product(layer.before.product, units, suffix);
    if (layer.before.bias < 0) return sum;
    return add(sum, matrix(layer.before.bias, {}, units, suffix), old_.node(layer.node).where);
  }

  /// Part of a stored tensor: the tensor itself if it is all of it.
  Value matrix(NodeId id, const Indices& rows, const Indices& columns, const std::string& suffix) {
    const Node& node = old_.node(id);
    const bool whole = static_cast<int64_t>(columns.size()) == node.shape.back().size() &&
                       (node.shape.size() == 1 || static_cast<int64_t>(rows.size()) == node.shape[0].size());
    if (whole) return operand(id);
    Tensor tensor = part_of(node.value, rows, columns);
    if (node.role == Role::Constant) return graph_.constant(std::move(tensor), node.where);
    std::string name = node.name + suffix;
    for (int number = 2; !names_.insert(name).second || taken(name); ++number)
      name = fmt::format("{}{}.{}", node.name, suffix, number);
    return graph_.parameter(name, std::move(tensor), node.where);
  }

  bool taken(const std::string& name) const {
    for (NodeId id = 0; id < old_.size(); ++id)
      if (old_.node(id).name == name) return true;
    return false;
  }

  const Graph& old_;
  const Finder& found_;
  Graph graph_;
  std::map<NodeId, Value> copies_;
  std::map<NodeId, std::pair<Value, Value>> parts_;
  std::set<NodeId> skipped_;  // nodes of layers that are made in parts
  std::set<std::string> names_;
};

}  // namespace

SimplifiedNetwork simplify_units(const Graph& graph, const InputBox& box, const BoxOptions& options) {
  expect(graph.updates().empty(), "[simplify] the graph trains {} parameters: simplify the network itself",
         graph.updates().size());
  const BoxAnalysis analysis(graph, box, options);
  const std::vector<UnitNode> units = units_of(analysis);
  const Finder found(graph, units);
  SimplifiedNetwork result{.graph = Builder(graph, found).run(), .kept = found.kept};
  for (const UnitNode& node : units) {
    SimplifiedUnits report{.node = node_key(graph, node.node),
                           .kept = static_cast<int64_t>(node.units.size())};
    if (found.identities.contains(node.node)) report.linearised = std::exchange(report.kept, 0);
    if (const auto layer = found.layers.find(node.node); layer != found.layers.end()) {
      report.kept = static_cast<int64_t>(layer->second.kept.size());
      report.linearised = static_cast<int64_t>(layer->second.linear.size());
      report.deleted = static_cast<int64_t>(node.units.size()) - report.kept - report.linearised;
    }
    result.layers.push_back(std::move(report));
  }
  for (Finding& finding : unit_findings(analysis)) result.certificate = std::move(finding.certificate);
  return result;
}

}  // namespace crease
