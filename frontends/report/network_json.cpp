#include "frontends/report/network_json.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "frontends/report/boxes.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/scaling.h"
#include "graph/scalar/tape.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

/// JSON has no infinities and no NaN.
Json number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

std::vector<int64_t> sample_sizes_of(const Shape& shape) {
  std::vector<int64_t> sizes;
  for (const Dim& dim : shape) sizes.push_back(dim.is_symbol() ? 1 : dim.size());
  return sizes;
}

/// Instructions of several expressions, shared.
class Instructions {
 public:
  size_t add(const Scalar& expression) {
    for (const Scalar& node : topological(expression)) {
      if (places_.contains(node.id())) continue;
      Json instruction{std::string(name_of(node.kind()))};
      switch (node.kind()) {
        case ScalarKind::Constant: instruction.push_back(number(node.constant())); break;
        case ScalarKind::Argument:
        case ScalarKind::Index: instruction.push_back(node.position()); break;
        default: break;
      }
      for (const Scalar& term : node.terms()) instruction.push_back(places_.at(term.id()));
      places_[node.id()] = list_.size();
      list_.push_back(std::move(instruction));
    }
    return places_.at(expression.id());
  }
  Json list() const { return list_; }

 private:
  std::map<const ScalarNode*, size_t> places_;
  Json list_ = Json::array();
};

Json access_json(const Access& access) {
  Json dims = Json::array();
  for (const AffineIndex& index : access) {
    Json terms = Json::array();
    for (const Term& term : index.terms) terms.push_back({term.label, term.coefficient});
    dims.push_back({{"terms", terms}, {"offset", index.offset}, {"lookup", index.lookup}});
  }
  return dims;
}

void add_operation(Json& entry, const Graph& graph, const Node& node) {
  entry["operands"] = node.operands;
  Json extents = Json::array(), reads = Json::array();
  for (const Label& label : node.loops.labels)
    extents.push_back(label.extent.is_symbol() ? 1 : label.extent.size());
  for (const Access& access : node.loops.reads) reads.push_back(access_json(access));
  entry["extents"] = std::move(extents);
  entry["reads"] = std::move(reads);
  entry["write"] = access_json(node.loops.write);
  entry["combine"] = std::string(to_string(node.op->combine));
  entry["compute"] = std::string(to_string(compute_type(operand_types(graph, node), node.type)));
  Instructions body;
  Json kinks = Json::array();
  for (const Scalar& condition : kink_conditions(node.op->body.expression)) {
    const bool border = condition.kind() == ScalarKind::Equal;
    kinks.push_back(body.add(border ? condition.terms()[0] - condition.terms()[1] : condition));
  }
  const size_t result = body.add(node.op->body.expression);
  entry["kinks"] = std::move(kinks);
  entry["body"] = body.list();
  entry["result"] = result;
}

Json node_json(const Graph& graph, const Node& node) {
  Json entry{{"role", std::string(role_name(node.role))},
             {"name", node.name},
             {"type", std::string(to_string(node.type))},
             {"sizes", sample_sizes_of(node.shape)}};
  if (node.role == Role::Apply) add_operation(entry, graph, node);
  if (node.role == Role::Parameter || node.role == Role::Constant) {
    Json values = Json::array();
    for (int64_t i = 0; i < node.value.count(); ++i) values.push_back(number(node.value.at(i)));
    entry["values"] = std::move(values);
  }
  return entry;
}

/// Which exponent every element of one parameter has: few distinct forms, and the form's number for each.
Json exponents_json(const ScalingGroup& group, NodeId parameter) {
  std::map<std::vector<std::pair<int, double>>, size_t> numbers;
  Json forms = Json::array(), form_of = Json::array();
  for (const auto& form : group.exponents(parameter)) {
    std::vector<std::pair<int, double>> terms;
    for (const auto& [coordinate, exponent] : form) terms.emplace_back(coordinate, exponent.to_double());
    const auto [found, added] = numbers.try_emplace(terms, numbers.size());
    if (added) forms.push_back(terms);
    form_of.push_back(found->second);
  }
  return {{"node", parameter}, {"forms", std::move(forms)}, {"form", std::move(form_of)}};
}

std::string coordinate_text(const Graph& graph, const ScalingCoordinate& coordinate) {
  std::string text = node_key(graph, coordinate.tensor);
  std::string index;
  for (const int64_t i : coordinate.index)
    if (i >= 0) index += fmt::format("{}{}", index.empty() ? "" : ",", i);
  return index.empty() ? text : fmt::format("{}[{}]", text, index);
}

Json scaling_json(const Graph& graph) {
  const ScalingGroup group = scaling_group(graph);
  Json coordinates = Json::array(), parameters = Json::array();
  for (const ScalingCoordinate& coordinate : group.coordinates())
    coordinates.push_back(coordinate_text(graph, coordinate));
  for (const NodeId id : graph.parameters()) parameters.push_back(exponents_json(group, id));
  return {{"coordinates", std::move(coordinates)}, {"parameters", std::move(parameters)}};
}

std::string refusal(const std::string& reason) { return Json{{"reason", reason}}.dump(); }

}  // namespace

std::string network_json(const Graph& graph, int64_t limit) {
  int64_t stored = 0;
  Json nodes = Json::array(), outputs = Json::array();
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (node.role == Role::Random) return refusal("the network draws random numbers");
    if (node.role == Role::Scan) return refusal("the network has a loop over time");
    stored += node.value.count();
    if (stored > limit)
      return refusal(fmt::format("more than {} parameter values are not kept in a page", limit));
    nodes.push_back(node_json(graph, node));
  }
  for (const Output& output : graph.outputs())
    outputs.push_back({{"name", output.name}, {"node", output.node}});
  return Json{{"nodes", std::move(nodes)}, {"outputs", std::move(outputs)}, {"scaling", scaling_json(graph)}}
      .dump();
}

}  // namespace crease
