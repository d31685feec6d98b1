#include "graph/analysis/linear_units.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "graph/analysis/certificate.h"
#include "graph/analysis/exact.h"
#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/ops/hold.h"

namespace crease {
namespace {

/// A product of data with a weight matrix, summed over one axis of it.
struct Dense {
  NodeId data, weight;
  int unit_axis;   // of the weight, that the result keeps
  int input_axis;  // of the weight, that is summed over
};

class Finder {
 public:
  explicit Finder(const Graph& graph) : graph_(graph), readers_(static_cast<size_t>(graph.size())) {
    std::vector<NodeId> ends;
    for (const Output& output : graph.outputs()) ends.push_back(output.node);
    for (const NodeId id : ancestors(graph, ends))
      for (const NodeId operand : graph.node(id).operands)
        readers_[static_cast<size_t>(operand)].push_back(id);
    for (const NodeId end : ends) readers_[static_cast<size_t>(end)].push_back(-1);
  }

  std::vector<LinearUnits> run() const {
    std::vector<LinearUnits> result;
    for (NodeId id = 0; id < graph_.size(); ++id)
      if (!readers_[static_cast<size_t>(id)].empty())
        if (auto found = before(id)) result.push_back(*found);
    return result;
  }

 private:
  const Graph& graph_;
  std::vector<std::vector<NodeId>> readers_;  // -1: an output

  bool is_read_once(NodeId id) const { return readers_[static_cast<size_t>(id)].size() == 1; }
  int64_t count(NodeId id) const { return sample_count(graph_.node(id).shape); }

  /// The linear layer that this product reads.
  std::optional<LinearUnits> before(NodeId id) const {
    const auto outgoing = dense(id);
    if (!outgoing) return {};
    LinearUnits result;
    NodeId place = past_moves(outgoing->data);
    if (place < 0) return {};
    result.tensor = place;
    if (const auto biased = bias_of(place)) {
      result.bias = biased->second;
      place = past_moves(biased->first);
    }
    const auto incoming = place < 0 ? std::nullopt : dense(place);
    if (!incoming) return {};
    result.units = count(result.tensor);
    result.incoming = incoming->weight;
    result.outgoing = outgoing->weight;
    result.incoming_axis = incoming->unit_axis;
    result.outgoing_axis = outgoing->input_axis;
    const auto size = [&](NodeId weight, int axis) {
      return graph_.node(weight).value.sizes()[static_cast<size_t>(axis)];
    };
    if (count(place) != result.units || size(result.incoming, result.incoming_axis) != result.units ||
        size(result.outgoing, result.outgoing_axis) != result.units)
      return {};
    result.moves = result.bias >= 0 && has_bias_after(id);
    return result;
  }

  std::optional<Dense> dense(NodeId id) const {
    const Node& node = graph_.node(id);
    if (node.role != Role::Apply || node.op->combine != Combine::Sum || node.operands.size() != 2) return {};
    if (!node.op->body.expression.same(Scalar::argument(0) * Scalar::argument(1))) return {};
    if (!std::ranges::all_of(node.loops.reads, is_plain) || !is_plain(node.loops.write)) return {};
    for (const size_t k : {0, 1}) {
      const NodeId weight = node.operands[k], data = node.operands[1 - k];
      const Node& matrix = graph_.node(weight);
      if (matrix.role != Role::Parameter || matrix.shape.size() != 2 || !is_read_once(weight)) continue;
      const std::vector<int> reduced = reduced_labels(node.loops);
      const auto is_reduced = [&](int axis) {
        const int label = node.loops.reads[k][static_cast<size_t>(axis)].plain_label();
        return std::ranges::find(reduced, label) != reduced.end();
      };
      if (is_reduced(0) == is_reduced(1)) continue;
      return Dense{data, weight, is_reduced(0) ? 1 : 0, is_reduced(0) ? 0 : 1};
    }
    return {};
  }

  /// Back through nodes that only reshape what nothing else reads; -1 if something else does.
  NodeId past_moves(NodeId id) const {
    while (is_read_once(id)) {
      const Node& node = graph_.node(id);
      const bool moves =
          node.role == Role::Apply && node.operands.size() == 1 && node.op->combine == Combine::Assign &&
          node.op->body.expression.kind() == ScalarKind::Argument && count(node.operands[0]) == count(id) &&
          is_floating(node.type) && is_floating(graph_.node(node.operands[0]).type) && !is_held(node);
      if (!moves) return id;
      id = node.operands[0];
    }
    return -1;
  }

  /// The other operand and the bias, if the node adds one.
  std::optional<std::pair<NodeId, NodeId>> bias_of(NodeId id) const {
    const Node& node = graph_.node(id);
    if (node.role != Role::Apply || node.operands.size() != 2 || node.op->combine != Combine::Assign)
      return {};
    if (!node.op->body.expression.same(Scalar::argument(0) + Scalar::argument(1))) return {};
    for (const size_t k : {0, 1}) {
      const NodeId bias = node.operands[k];
      if (graph_.node(bias).role == Role::Parameter && is_read_once(bias) && count(bias) == count(id))
        return std::pair(node.operands[1 - k], bias);
    }
    return {};
  }

  /// Whether a bias is added to the node before anything else happens to it.
  bool has_bias_after(NodeId id) const {
    while (is_read_once(id)) {
      const NodeId reader = readers_[static_cast<size_t>(id)][0];
      if (reader < 0) return false;
      if (bias_of(reader)) return true;
      if (past_moves(reader) == reader || graph_.node(reader).operands.size() != 1) return false;
      id = reader;
    }
    return false;
  }
};

/// A weight with its units as rows.
std::vector<std::vector<Rational>> rows_of(const Graph& graph, NodeId id, int axis) {
  const Tensor& value = graph.node(id).value;
  const auto numbers = exact_values(value);
  expect(numbers.has_value(), "[conserved_matrix] {} is not finite", describe(graph, id));
  const bool is_vector = value.sizes().size() < 2;
  const int64_t columns = is_vector ? 1 : value.sizes()[1];
  const int64_t count = static_cast<int64_t>(numbers->size()) / std::max<int64_t>(columns, 1);
  std::vector<std::vector<Rational>> rows(static_cast<size_t>(axis == 0 ? count : columns));
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < columns; ++j)
      rows[static_cast<size_t>(axis == 0 ? i : j)].push_back(
          (*numbers)[static_cast<size_t>(i * columns + j)]);
  return rows;
}

void add_products(std::vector<std::vector<Rational>>& matrix, const std::vector<std::vector<Rational>>& rows,
                  const Rational& factor) {
  for (size_t i = 0; i < rows.size(); ++i)
    for (size_t j = 0; j < rows.size(); ++j)
      for (size_t k = 0; k < rows[i].size(); ++k) matrix[i][j] += factor * rows[i][k] * rows[j][k];
}

}  // namespace

std::vector<LinearUnits> linear_units(const Graph& graph) { return Finder(graph).run(); }

std::vector<std::vector<Rational>> conserved_matrix(const Graph& graph, const LinearUnits& layer) {
  const auto units = static_cast<size_t>(layer.units);
  std::vector<std::vector<Rational>> matrix(units, std::vector<Rational>(units, 0));
  add_products(matrix, rows_of(graph, layer.incoming, layer.incoming_axis), 1);
  if (layer.bias >= 0) add_products(matrix, rows_of(graph, layer.bias, 0), 1);
  add_products(matrix, rows_of(graph, layer.outgoing, layer.outgoing_axis), -1);
  return matrix;
}

std::vector<Finding> linear_unit_findings(const Graph& graph) {
  const std::vector<LinearUnits> layers = linear_units(graph);
  if (layers.empty()) return {};
  int64_t dimension = 0, translations = 0;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const LinearUnits& layer : layers) {
    dimension += layer.dimension();
    translations += layer.moves ? layer.units : 0;
    list.push_back({{"tensor", node_key(graph, layer.tensor)},
                    {"n", layer.units},
                    {"gl_dim", layer.dimension()},
                    {"with_translation_dim", layer.dimension_with_translation()}});
  }
  return {{.id = "linear-units",
           .subject = "parameters",
           .verdict = Verdict::Proved,
           .level = Level::Structure,
           .sentences = {fmt::format("{} hidden layers without activation: invertible matrices act on them, "
                                     "{} dimensions in all, translations {} more",
                                     layers.size(), dimension, translations)},
           .evidence = nlohmann::ordered_json{{"gl_blocks", list}}.dump(),
           .certificate = {}}};
}

}  // namespace crease
