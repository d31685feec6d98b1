// What is said of a normal form, and its certificates.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/normal_form/normal_form.h"
#include "graph/analysis/points.h"
#include "graph/error.h"

namespace crease {

std::string unit_key(const Graph& graph, const UnitName& name) {
  const std::string key = fmt::format("{}[{}]", node_key(graph, name.node), name.element);
  return name.part == 0 ? key : fmt::format("{}.{}", key, name.part);
}

namespace {

using Json = nlohmann::ordered_json;
using Kind = UnitDecision::Kind;

Json decision(const Graph& graph, const NormalForm& normal, const UnitDecision& unit) {
  switch (unit.kind) {
    case Kind::Active: return "ACTIVE";
    case Kind::Dead: return "DEAD";
    case Kind::Atom: return "ATOM";
    case Kind::Near:
      return {"NEAR", unit_key(graph, normal.variables[unit.variable].name), to_string(unit.error)};
    case Kind::Same: break;
  }
  return {"SAME", unit_key(graph, normal.variables[unit.variable].name), to_string(unit.factor)};
}

Json header(const Graph& graph, const char* kind, const std::string& box = {}) {
  Json json = {{"cert", "graph-cert/1"}, {"kind", kind}, {"graph", digest(graph)}, {"semantics", "real"}};
  if (!box.empty()) json["box"] = Json::parse(box);
  return json;
}

Json empty_proof() {
  return {{"eliminate", Json::array()}, {"upper", Json::object()}, {"lower", Json::object()}};
}

Json proof_json(const Graph& graph, const NormalForm& normal, const LineProof& proof) {
  Json json = empty_proof();
  const auto key = [&](int variable) { return unit_key(graph, normal.variables[variable].name); };
  for (const int variable : proof.eliminate) json["eliminate"].push_back(key(variable));
  for (const auto& [variable, line] : proof.upper)
    json["upper"][key(variable)] = {to_string(line.first), to_string(line.second)};
  for (const auto& [variable, slope] : proof.lower) json["lower"][key(variable)] = to_string(slope);
  return json;
}

/// Both proofs of a bound, for a unit whose sign needs lines below relus or whose argument is known on a box.
std::optional<Json> bound_of(const Graph& graph, const NormalForm& normal, const UnitDecision& unit) {
  if (unit.range) {
    const auto end = [](const std::optional<Rational>& value, const char* infinite) {
      return value ? to_string(*value) : std::string(infinite);
    };
    return Json{{"l", end(unit.range->low, "-inf")},
                {"u", end(unit.range->high, "inf")},
                {"lower_proof", proof_json(graph, normal, unit.range->lower_proof)},
                {"upper_proof", proof_json(graph, normal, unit.range->upper_proof)}};
  }
  if (unit.slopes.empty()) return {};
  LineProof lines;
  for (const auto& [variable, slope] : unit.slopes) {
    lines.eliminate.push_back(variable);
    lines.lower[variable] = slope;
  }
  const bool active = unit.kind == Kind::Active;
  const Json proof = proof_json(graph, normal, lines);
  return Json{{"l", active ? "0" : "-inf"},
              {"u", active ? "inf" : "0"},
              {"lower_proof", active ? proof : empty_proof()},
              {"upper_proof", active ? empty_proof() : proof}};
}

/// A bound for each unit that needs one.
void add_bounds(const Graph& graph, const NormalForm& normal, NodeId id, Json& steps) {
  const std::vector<UnitDecision>& decisions = normal.decisions.at(id);
  for (size_t k = 0; k < decisions.size(); ++k) {
    std::optional<Json> bound = bound_of(graph, normal, decisions[k]);
    if (!bound) continue;
    Json step = {{"rule", "BOUND"}, {"node", node_key(graph, id)}, {"index", normal.names.at(id)[k].element}};
    step.update(*bound);
    steps.push_back(std::move(step));
  }
}

/// A decision with the proof of its bound; where that takes no lines only if `all`.
Json proved_decision(const Graph& graph, const NormalForm& normal, const UnitDecision& unit, bool all) {
  Json verdict = decision(graph, normal, unit);
  const bool by_lines = !unit.slopes.empty() || (unit.range && (!unit.range->lower_proof.eliminate.empty() ||
                                                                !unit.range->upper_proof.eliminate.empty()));
  std::optional<Json> result = bound_of(graph, normal, unit);
  if (verdict.is_array() || !result || !(all || by_lines)) return verdict;
  (*result)["is"] = std::move(verdict);
  return *std::move(result);
}

/// The steps of a proof, and the leaves that they read.
struct Steps {
  Json list = Json::array();
  std::set<NodeId> leaves = {};
};

/// Nodes of units that a decision refers to: an equal relu may lie elsewhere.
void add_references(const NormalForm& normal, const UnitDecision& unit, std::vector<NodeId>& nodes) {
  if (unit.kind == Kind::Same || unit.kind == Kind::Near)
    nodes.push_back(normal.variables[unit.variable].name.node);
  for (const auto& [variable, slope] : unit.slopes) nodes.push_back(normal.variables[variable].name.node);
  if (!unit.range) return;
  for (const LineProof* proof : {&unit.range->lower_proof, &unit.range->upper_proof})
    for (const int variable : proof->eliminate) nodes.push_back(normal.variables[variable].name.node);
}

/// A step for each node that `wanted` need.
Steps steps_for(const Graph& graph, const NormalForm& normal, const std::vector<NodeId>& wanted,
                bool with_bounds = true) {
  const std::set<NodeId> leaves(normal.leaves.begin(), normal.leaves.end());
  Steps result;
  const std::set<NodeId> order(normal.order.begin(), normal.order.end());
  std::set<NodeId> needed;
  std::vector<NodeId> open = wanted;
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    if (leaves.contains(id)) result.leaves.insert(id);
    if (leaves.contains(id) || !order.contains(id) || !needed.insert(id).second) continue;
    open.insert(open.end(), graph.node(id).operands.begin(), graph.node(id).operands.end());
    // An equal relu may lie elsewhere.
    if (const auto found = normal.decisions.find(id); found != normal.decisions.end())
      for (const UnitDecision& unit : found->second) add_references(normal, unit, open);
  }
  Json& steps = result.list;
  for (const NodeId id : needed) {
    const auto found = normal.decisions.find(id);
    if (found == normal.decisions.end()) {
      const char* rule = normal.enclosed.contains(id) ? "ENCLOSE"
                         : normal.nearly.contains(id) ? "NEARLY"
                                                      : "AFFINE";
      steps.push_back({{"rule", rule}, {"node", node_key(graph, id)}});
      continue;
    }
    // A BOUND step takes all relus of its element for atoms: where they are decided one after the other,
    // each is proved in its place.
    const bool in_place = !with_bounds || std::ranges::any_of(normal.names.at(id), [](const UnitName& name) {
      return name.part > 0;
    });
    if (!in_place) add_bounds(graph, normal, id, steps);
    Json elements = Json::array();
    for (const UnitDecision& unit : found->second)
      elements.push_back(in_place ? proved_decision(graph, normal, unit, with_bounds)
                                  : decision(graph, normal, unit));
    steps.push_back({{"rule", "RELU"}, {"node", node_key(graph, id)}, {"elements", elements}});
  }
  return result;
}

/// The leaves that a node's forms contain; nothing if they contain relus or calls.
std::optional<std::set<NodeId>> frontier_of(const NormalForm& normal, NodeId sink) {
  std::set<NodeId> frontier;
  for (const Combination& form : normal.forms.at(sink))
    for (const auto& [index, coefficient] : form.terms) {
      const Variable& variable = normal.variables[index];
      if (variable.kind != VariableKind::Leaf) return {};
      frontier.insert(variable.name.node);
    }
  return frontier;
}

/// Whether a node's forms are made of inputs alone: other leaves, an argmax among them, need not be affine.
bool affine_in_inputs(const Graph& graph, const NormalForm& normal, NodeId node) {
  const auto frontier = frontier_of(normal, node);
  return frontier &&
         std::ranges::all_of(*frontier, [&](NodeId id) { return graph.node(id).role == Role::Input; });
}

FormShape flipped(FormShape shape) {
  if (shape == FormShape::Convex) return FormShape::Concave;
  return shape == FormShape::Concave ? FormShape::Convex : shape;
}

FormShape joined(FormShape a, FormShape b) {
  if (a == b || b == FormShape::Constant) return a;
  if (a == FormShape::Constant || a == FormShape::Affine) return b;
  return b == FormShape::Affine ? a : FormShape::Unknown;
}

/// Shapes of variables, each after those of its arguments.
class Shapes {
 public:
  explicit Shapes(const NormalForm& normal) {
    for (const Variable& variable : normal.variables.all()) {
      FormShape shape = FormShape::Affine;
      if (variable.kind == VariableKind::Call) shape = FormShape::Unknown;
      if (variable.kind == VariableKind::Relu)
        shape =
            of(variable.arguments[0]) == FormShape::Affine || of(variable.arguments[0]) == FormShape::Convex
                ? FormShape::Convex
                : FormShape::Unknown;
      shapes_.push_back(shape);
    }
  }

  FormShape of(const Combination& form) const {
    FormShape shape = FormShape::Constant;
    for (const auto& [variable, coefficient] : form.terms) {
      const FormShape term = shapes_[static_cast<size_t>(variable)];
      shape = joined(shape, coefficient.sign() > 0 ? term : flipped(term));
    }
    return shape;
  }

 private:
  std::vector<FormShape> shapes_;
};

/// How many relus became what.
struct Counts {
  int64_t all = 0, dead = 0, active = 0, merged = 0;
};

Counts count_units(const NormalForm& normal) {
  Counts counts;
  for (const auto& [id, units] : normal.decisions)
    for (const UnitDecision& unit : units) {
      const bool is_call = unit.variable >= 0 && normal.variables[unit.variable].kind != VariableKind::Relu;
      if (is_call) continue;
      ++counts.all;
      counts.dead += unit.kind == Kind::Dead ? 1 : 0;
      counts.active += unit.kind == Kind::Active ? 1 : 0;
      counts.merged += unit.kind == Kind::Same ? 1 : 0;
    }
  return counts;
}

std::string units_sentence(const Counts& counts) {
  return fmt::format(
      "{} of {} relus are not needed, for all inputs: {} multiples of another, {} always active, {} dead",
      counts.merged + counts.active + counts.dead, counts.all, counts.merged, counts.active, counts.dead);
}

/// An output that is affine though its parts are not.
Finding affine_finding(const Graph& graph, const NormalForm& normal, const Output& output) {
  Finding finding{.id = "affine", .subject = output.name, .verdict = Verdict::Proved, .level = Level::Values};
  finding.sentences = {
      fmt::format("{} is affine though it contains relus: in normal form they cancel", output.name),
      fmt::format(
          "replacing it changes slopes at kinks: relu(z) - relu(-z) has slope 0, 1 or 2 at z = 0 by the rule "
          "chosen there")};
  finding.certificate = affine_certificate(graph, normal, output.node);
  finding.evidence = Json{{"by", "normal form"}}.dump();
  return finding;
}

void add_units_finding(const Graph& graph, const NormalForm& normal, std::vector<Finding>& findings) {
  const Counts counts = count_units(normal);
  if (counts.dead + counts.active + counts.merged == 0) return;
  Finding finding{.id = "normal-form",
                  .subject = graph.outputs().front().name,
                  .verdict = Verdict::Proved,
                  .level = Level::Values,
                  .sentences = {units_sentence(counts)}};
  finding.certificate = units_certificate(graph, normal);
  finding.evidence = Json{
      {"relus", counts.all},
      {"live", normal.live_relus(graph)},
      {"merged", counts.merged},
      {"active", counts.active},
      {"dead",
       counts.dead}}.dump();
  findings.push_back(std::move(finding));
}

}  // namespace

std::string_view to_string(FormShape shape) {
  switch (shape) {
    case FormShape::Constant: return "constant";
    case FormShape::Affine: return "affine";
    case FormShape::Convex: return "convex";
    case FormShape::Concave: return "concave";
    case FormShape::Unknown: return "unknown";
  }
  return "";
}

std::vector<FormShape> shapes_of(const NormalForm& normal, NodeId node) {
  const Shapes shapes(normal);
  std::vector<FormShape> result;
  for (const Combination& form : normal.forms.at(node)) result.push_back(shapes.of(form));
  return result;
}

Certificate affine_certificate(const Graph& graph, const NormalForm& normal, NodeId sink,
                               const std::string& box) {
  expect(frontier_of(normal, sink).has_value(), "[normal_form] not affine: got {}, want forms without relus",
         describe(graph, sink));
  const std::vector<Combination>& forms = normal.forms.at(sink);
  const Steps steps = steps_for(graph, normal, {sink});
  Json names = Json::array(), weights = Json::object(), offset = Json::array();
  for (const Combination& form : forms) offset.push_back(to_string(form.constant));
  for (const NodeId id : steps.leaves) {
    const auto columns = static_cast<size_t>(sample_count(graph.node(id).shape));
    std::vector<std::vector<std::string>> rows(forms.size(), std::vector<std::string>(columns, "0"));
    for (size_t o = 0; o < forms.size(); ++o)
      for (const auto& [index, coefficient] : forms[o].terms) {
        const UnitName& name = normal.variables[index].name;
        if (name.node == id) rows[o][static_cast<size_t>(name.element)] = to_string(coefficient);
      }
    names.push_back(node_key(graph, id));
    weights[node_key(graph, id)] = rows;
  }
  Json json = header(graph, "affine-collapse", box);
  json["claim"] = {{"sink", node_key(graph, sink)}, {"frontier", names}, {"W", weights}, {"b", offset}};
  json["steps"] = steps.list;
  return {"affine-collapse", json.dump()};
}

Certificate units_certificate(const Graph& graph, const NormalForm& normal, const std::string& box) {
  Json units = Json::object();
  std::vector<NodeId> wanted;
  for (const auto& [id, decisions] : normal.decisions) {
    wanted.push_back(id);
    size_t next = 0;
    for (const UnitName& name : normal.names.at(id))
      units[unit_key(graph, name)] = decision(graph, normal, decisions[next++]);
  }
  Json json = header(graph, "unit-verdicts", box);
  const Steps steps = steps_for(graph, normal, wanted);
  json["claim"] = {{"units", units}};
  for (const NodeId id : steps.leaves)
    if (graph.node(id).role != Role::Input) json["claim"]["frontier"].push_back(node_key(graph, id));
  json["steps"] = steps.list;
  return {"unit-verdicts", json.dump()};
}

ProofSteps proof_steps(const Graph& graph, const NormalForm& normal, const std::vector<NodeId>& wanted,
                       bool with_bounds) {
  const Steps steps = steps_for(graph, normal, wanted, with_bounds);
  return {.steps = steps.list.dump(), .leaves = {steps.leaves.begin(), steps.leaves.end()}};
}

std::vector<Finding> normal_form_findings(const Graph& graph, const NormalFormOptions& options) {
  const Linearity facts = linearity(graph);
  const bool affine = std::ranges::all_of(graph.outputs(), [&](const Output& output) {
    return facts.piecewise[static_cast<size_t>(output.node)] <= Piecewise::Affine;
  });
  if (affine) return {};  // by structure: no activation is left to cancel
  const NormalForm normal = normal_form(graph, options);
  if (!normal.reason.empty()) {
    Finding finding{.id = "normal-form", .subject = graph.outputs().front().name};
    finding.sentences = {"the normal form was not made: " + normal.reason};
    return {finding};
  }
  std::vector<Finding> findings;
  for (const Output& output : graph.outputs()) {
    const bool known = facts.parts[static_cast<size_t>(output.node)] != Part::Atom &&
                       std::ranges::all_of(facts.frontiers[static_cast<size_t>(output.node)], [&](NodeId id) {
                         return std::ranges::find(normal.leaves, id) != normal.leaves.end();
                       });
    if (graph.node(output.node).role == Role::Apply && !known && affine_in_inputs(graph, normal, output.node))
      findings.push_back(affine_finding(graph, normal, output));
  }
  add_units_finding(graph, normal, findings);
  return findings;
}

}  // namespace crease
