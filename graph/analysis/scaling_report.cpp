#include "graph/analysis/scaling_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "graph/analysis/certificate.h"
#include "graph/analysis/cost.h"
#include "graph/analysis/scaling.h"
#include "graph/analysis/scaling_certificate.h"
#include "graph/analysis/scaling_formula.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;
using Form = LinearForm<Rational>;

/// "a1", or "relu %5" for a node without name.
std::string display_name(const Graph& graph, NodeId id) {
  const std::string key = node_key(graph, id);
  const Node& node = graph.node(id);
  return key.starts_with('%') && node.role == Role::Apply ? node.op->name + " " + key : key;
}

/// The coordinates that belong to one tensor: its units.
struct Units {
  NodeId tensor;
  std::vector<int> coordinates;
};

std::vector<Units> units_of(const ScalingGroup& group) {
  std::vector<Units> result;
  for (int k = 0; k < group.dimension(); ++k) {
    const NodeId tensor = group.coordinates()[static_cast<size_t>(k)].tensor;
    auto found = std::ranges::find(result, tensor, &Units::tensor);
    if (found == result.end()) found = result.insert(result.end(), {tensor, {}});
    found->coordinates.push_back(k);
  }
  std::ranges::sort(result, {}, &Units::tensor);
  return result;
}

/// How a coordinate acts on one parameter: the axis along which its entries change with it, the power.
struct Action {
  int axis;
  Rational power;
};

/// The actions of coordinates on a parameter, looked up along each axis at position 0 of the others.
std::map<int, Action> actions_on(const Graph& graph, const ScalingGroup& group, NodeId parameter) {
  std::map<int, Action> actions;
  const std::vector<int64_t> sizes = graph.node(parameter).value.sizes();
  if (std::ranges::find(sizes, 0) != sizes.end()) return actions;
  std::vector<int64_t> index(sizes.size(), 0);
  const auto note = [&](int axis) {
    for (const auto& [k, power] : group.exponent(parameter, index)) {
      const auto [place, fresh] = actions.try_emplace(k, Action{axis, power});
      // Met along two axes: the corner belongs to every axis, so the coordinate acts on the whole tensor.
      if (!fresh && place->second.axis != axis) place->second.axis = -1;
    }
  };
  for (size_t axis = 0; axis < sizes.size(); ++axis)
    for (int64_t i = 0; i < sizes[axis]; ++i) {
      index.assign(sizes.size(), 0);
      index[axis] = i;
      if (i > 0 || sizes[axis] == 1 || sizes.size() == 1) note(static_cast<int>(axis));
    }
  return actions;
}

/// "w2[j,:]": what the unit j of a tensor multiplies.
std::string slice_text(const std::string& name, int axis, size_t rank) {
  if (axis < 0 || rank == 0) return name;
  std::string text = name + "[";
  for (size_t a = 0; a < rank; ++a)
    text += (a > 0 ? "," : "") + std::string(static_cast<int>(a) == axis ? "j" : ":");
  return text + "]";
}

std::string power_text(const Rational& power) {
  const Rational size = power.abs();
  return (power.sign() > 0 ? "*k" : "/k") + (size == Rational(1) ? "" : "^" + to_string(size));
}

/// "relu %3 [64]: 0.weight[:,j]*k, 0.bias[j]*k, 2.weight[j,:]/k".
std::string units_sentence(const Graph& graph, const Units& units,
                           const std::vector<std::pair<NodeId, std::map<int, Action>>>& actions) {
  std::string text;
  // The last unit: the first one shares position 0 with every corner.
  const int k = units.coordinates.back();
  for (const auto& [parameter, on] : actions) {
    const auto action = on.find(k);
    if (action == on.end()) continue;
    const Node& node = graph.node(parameter);
    text += (text.empty() ? "" : ", ") + slice_text(node.name, action->second.axis, node.shape.size()) +
            power_text(action->second.power);
  }
  return fmt::format("{} [{}]: {}", display_name(graph, units.tensor), units.coordinates.size(), text);
}

std::string outputs_text(const Graph& graph) {
  if (graph.outputs().size() == 1) return graph.outputs().front().name;
  return fmt::format("all {} outputs", graph.outputs().size());
}

void add_per_neuron(const Graph& graph, const ScalingGroup& group, Finding& finding, Json& evidence) {
  std::vector<std::pair<NodeId, std::map<int, Action>>> actions;
  for (const NodeId id : graph.parameters()) actions.emplace_back(id, actions_on(graph, group, id));
  Json list = Json::array();
  const std::vector<Units> all = units_of(group);
  constexpr size_t shown = 4;
  for (size_t i = 0; i < all.size(); ++i) {
    list.push_back({{"tensor", node_key(graph, all[i].tensor)}, {"count", all[i].coordinates.size()}});
    if (i < shown)
      finding.sentences.push_back("per neuron  " + units_sentence(graph, all[i], actions) + ", k > 0");
  }
  if (all.size() > shown)
    finding.sentences.push_back(fmt::format("per neuron  ... and {} more tensors", all.size() - shown));
  evidence["units"] = list;
}

void add_per_layer(const Graph& graph, Finding& finding, Json& evidence) {
  const ScalingFormula formula = scaling_formula(graph);
  const std::string text = to_string(formula, graph);
  if (!text.empty()) finding.sentences.push_back("per layer   " + text);
  evidence["per_layer"] = {{"factors", formula.leaders.size()}, {"formula", text}};
}

void add_certificate(const Graph& graph, const ScalingGroup& group, const ScalingReportOptions& options,
                     Finding& finding) {
  const int64_t entries = parameter_count(graph);
  if (entries <= options.certificate_limit)
    finding.certificate = rescaling_certificate(graph, group);
  else
    finding.sentences.push_back(fmt::format("certificate not made: {} parameters, above the limit of {}",
                                            entries, options.certificate_limit));
}

}  // namespace

std::vector<Finding> scaling_findings(const Graph& graph, const ScalingReportOptions& options) {
  const ScalingGroup group = scaling_group(graph);
  const int common = scaling_group(graph, {.mode = ScalingMode::CommonOutputScale}).dimension();
  const int signs = sign_group(graph).dimension();
  const std::string outputs = outputs_text(graph);
  Finding finding{.id = "rescaling",
                  .subject = outputs,
                  .verdict = group.dimension() == 0 ? Verdict::Unknown : Verdict::Proved,
                  .level = Level::Structure,
                  .sentences = {},
                  .certificate = {}};
  finding.sentences.push_back(
      group.dimension() == 0
          ? fmt::format("no rescaling by channel was found that leaves {} unchanged", outputs)
          : fmt::format("{} positive degrees of freedom leave {} unchanged", group.dimension(), outputs));
  Json evidence{{"dimension", group.dimension()}, {"common_output_scale", common}, {"sign_dim", signs}};
  add_per_neuron(graph, group, finding, evidence);
  add_per_layer(graph, finding, evidence);
  if (common > group.dimension())
    finding.sentences.push_back(fmt::format(
        "output      one more direction multiplies {} by one positive factor: an argmax stays", outputs));
  finding.sentences.push_back(signs == 0
                                  ? "signs       no flip was found"
                                  : fmt::format("signs       2^{} flips leave {} unchanged", signs, outputs));
  if (has_loop(graph))
    finding.sentences.emplace_back("loops       what a loop over time reads and computes is not looked at");
  if (group.dimension() > 0) add_certificate(graph, group, options, finding);
  finding.evidence = evidence.dump();
  return {std::move(finding)};
}

}  // namespace crease
