#include "graph/analysis/certificate.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "graph/analysis/digest.h"
#include "graph/error.h"

namespace crease {

namespace {

using Json = nlohmann::ordered_json;

Json header(const Graph& graph, const char* kind) {
  return {{"cert", "graph-cert/1"}, {"kind", kind}, {"graph", digest(graph)}, {"semantics", "real"}};
}

/// Rows are elements of the sink: the transpose of the weights.
Json matrix(const ExactMatrix& weights) {
  const int64_t rows = weights.columns(), columns = weights.rows();
  if (rows * columns > kInlineMatrixLimit) {
    std::string text;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) text += to_string(weights.at(j, i)) + "\n";
    return {{"rows", rows}, {"columns", columns}, {"sha256", sha256(text)}};
  }
  Json result = Json::array();
  for (int64_t i = 0; i < rows; ++i) {
    Json row = Json::array();
    for (int64_t j = 0; j < columns; ++j) row.push_back(to_string(weights.at(j, i)));
    result.push_back(std::move(row));
  }
  return result;
}

/// Nodes without data that the steps need values of, in order: parameters and constants themselves are given.
void add_constant_steps(const Graph& graph, const AffineForm& form, Json& steps) {
  std::vector<NodeId> stop = form.frontier;
  stop.insert(stop.end(), form.nodes.begin(), form.nodes.end());
  std::vector<NodeId> wanted, open;
  for (const NodeId id : form.nodes)
    open.insert(open.end(), graph.node(id).operands.begin(), graph.node(id).operands.end());
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    const bool known = std::find(stop.begin(), stop.end(), id) != stop.end();
    if (known || graph.node(id).role != Role::Apply) continue;
    stop.push_back(id);
    wanted.push_back(id);
    open.insert(open.end(), graph.node(id).operands.begin(), graph.node(id).operands.end());
  }
  wanted.insert(wanted.end(), form.nodes.begin(), form.nodes.end());
  std::sort(wanted.begin(), wanted.end());
  for (const NodeId id : wanted) steps.push_back({{"rule", "AFFINE"}, {"node", node_key(graph, id)}});
}

std::vector<NodeId> named(const Graph& graph, const std::string& name) {
  std::vector<NodeId> result;
  for (NodeId id = 0; id < graph.size(); ++id)
    if (graph.node(id).name == name) result.push_back(id);
  return result;
}

}  // namespace

std::vector<std::string> texts(const std::vector<Rational>& numbers) {
  std::vector<std::string> result;
  result.reserve(numbers.size());
  for (const Rational& number : numbers) result.push_back(to_string(number));
  return result;
}

std::string node_key(const Graph& graph, NodeId id) {
  const std::string& name = graph.node(id).name;
  if (!name.empty() && name[0] != '%' && named(graph, name).size() == 1) return name;
  for (const Output& output : graph.outputs())
    if (output.node == id && named(graph, output.name).empty()) return output.name;
  return fmt::format("%{}", id);
}

std::string spoken(const Graph& graph, NodeId id) {
  for (const Output& output : graph.outputs())
    if (output.node == id) return output.name;
  const std::string key = node_key(graph, id);
  return key.find_first_not_of("0123456789") == std::string::npos ? "'" + key + "'" : key;
}

NodeId find_node(const Graph& graph, const std::string& key) {
  NodeId id = -1;
  if (key.starts_with('%')) {
    const auto [end, problem] = std::from_chars(key.data() + 1, key.data() + key.size(), id);
    const bool known =
        problem == std::errc() && end == key.data() + key.size() && id >= 0 && id < graph.size();
    expect(known, "[certificate] no such node: got '{}', want %0 to %{}", key, graph.size() - 1);
    return id;
  }
  const std::vector<NodeId> nodes = named(graph, key);
  expect(nodes.size() <= 1, "[certificate] ambiguous node: {} nodes are named '{}', want '%' and a number",
         nodes.size(), key);
  if (nodes.size() == 1) return nodes[0];
  for (const Output& output : graph.outputs())
    if (output.name == key) return output.node;
  fail("[certificate] no such node: got '{}', want a node's or output's name, or '%' and a number", key);
}

Certificate affine_certificate(const Graph& graph, const AffineForm& form) {
  Json json = header(graph, "affine-collapse");
  Json frontier = Json::array(), weights = Json::object(), steps = Json::array();
  for (size_t k = 0; k < form.frontier.size(); ++k) {
    const std::string key = node_key(graph, form.frontier[k]);
    frontier.push_back(key);
    weights[key] = matrix(form.weights[k]);
  }
  add_constant_steps(graph, form, steps);
  json["claim"] = {{"sink", node_key(graph, form.sink)},
                   {"frontier", frontier},
                   {"W", weights},
                   {"b", texts(form.offset)}};
  json["steps"] = steps;
  return {"affine-collapse", json.dump()};
}

Certificate not_affine_certificate(const Graph& graph, const NotAffineWitness& witness) {
  Json json = header(graph, "not-affine");
  const Rational defect = witness.f_a + witness.f_b - 2 * witness.f_mid;
  json["witness"] = {{"output", node_key(graph, witness.output)},
                     {"output_index", witness.index},
                     {"a", texts(witness.a)},
                     {"b", texts(witness.b)},
                     {"mid", texts(witness.mid)},
                     {"f_a", to_string(witness.f_a)},
                     {"f_b", to_string(witness.f_b)},
                     {"f_mid", to_string(witness.f_mid)},
                     {"defect", to_string(defect)}};
  if (witness.bits > 0) json["witness"]["bits"] = witness.bits;
  return {"not-affine", json.dump()};
}

}  // namespace crease
