#include "graph/analysis/check.h"

#include <nlohmann/json.hpp>

#include "graph/analysis/ball/values.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/check_fields.h"
#include "graph/analysis/check_kinds.h"
#include "graph/analysis/check_replay.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/json_problem.h"
#include "graph/error.h"

namespace crease {

namespace checker {

namespace {

/// All inputs set from one list of numbers.
std::map<NodeId, std::vector<Rational>> point(const Graph& graph, const std::vector<Rational>& numbers) {
  std::map<NodeId, std::vector<Rational>> values;
  size_t next = 0;
  for (const NodeId id : graph.inputs()) {
    const auto count = static_cast<size_t>(sample_size(graph.node(id).shape));
    if (next + count > numbers.size()) throw Refused("a point has too few numbers");
    const auto first = numbers.begin() + static_cast<std::ptrdiff_t>(next);
    values[id].assign(first, first + static_cast<std::ptrdiff_t>(count));
    for (const Rational& number : values[id]) require_input(graph, id, number);
    next += count;
  }
  if (next != numbers.size()) throw Refused("a point has too many numbers");
  return values;
}

/// `rows`: how many samples the point is one of; a node may mix them if it is the only one.
enum class Rows { One, Any };

std::vector<Rational> values_at(const Graph& graph, NodeId output, const std::vector<Rational>& numbers,
                                Rows rows) {
  std::map<NodeId, std::vector<Rational>> values = point(graph, numbers);
  for (const NodeId id : ancestors(graph, std::span(&output, 1))) {
    if (values.contains(id)) continue;
    if (graph.node(id).role == Role::Apply && rows == Rows::Any) require_separate_samples(graph, id);
    values[id] = values_of(graph, id, values);
  }
  return std::move(values.at(output));
}

}  // namespace

std::vector<Rational> values_at(const Graph& graph, NodeId output, const std::vector<Rational>& numbers) {
  return values_at(graph, output, numbers, Rows::Any);
}

Rational value_at(const Graph& graph, NodeId output, size_t index, const std::vector<Rational>& numbers) {
  const std::vector<Rational> result = values_at(graph, output, numbers, Rows::One);
  if (index >= result.size()) throw Refused("the output has no such element");
  return result[index];
}

std::vector<Rational> numbers(const std::vector<std::string>& texts) {
  std::vector<Rational> result;
  for (const std::string& text : texts) result.push_back(Rational::parse(text));
  return result;
}

std::set<NodeId> frontier_of(const nlohmann::json& claim, const Graph& graph) {
  std::set<NodeId> frontier;
  for (const nlohmann::json& key : claim.at("frontier"))
    if (!frontier.insert(find_node(graph, key.get<std::string>())).second)
      throw Refused("the frontier names a node twice");
  return frontier;
}

namespace {

/// The element at each point, exactly.
std::vector<Enclosure> exact_at(const Graph& graph, NodeId output, size_t index,
                                const std::vector<std::vector<Rational>>& points) {
  std::vector<Enclosure> result;
  for (const std::vector<Rational>& point : points) {
    const Rational value = value_at(graph, output, index, point);
    result.push_back({value, value});
  }
  return result;
}

std::string text_of(const Enclosure& value) {
  if (value.low == value.high) return to_string(value.low);
  return "between " + to_string(value.low) + " and " + to_string(value.high);
}

}  // namespace

std::vector<Enclosure> enclosed_at(const Graph& graph, NodeId output, size_t index,
                                   const std::vector<std::vector<Rational>>& points, int64_t bits) {
  const BallArithmetic arithmetic(bits);
  std::vector<Enclosure> result;
  for (const std::vector<Ball>& values : ball_values(graph, output, points, arithmetic)) {
    if (index >= values.size()) throw Refused("the output has no such element");
    result.push_back(arithmetic.ends(values[index]));
  }
  return result;
}

std::string check_witness(const nlohmann::json& certificate, const Graph& graph) {
  require_fields(certificate, {"cert", "kind", "graph", "semantics", "witness"}, {});
  const nlohmann::json& witness = certificate.at("witness");
  require_fields(witness, {"output_index", "a", "b", "mid", "f_a", "f_b", "f_mid", "defect"},
                 {"output", "bits"});
  if (graph.outputs().empty()) throw Refused("the graph has no output");
  const NodeId output = witness.contains("output") ? find_node(graph, witness.at("output").get<std::string>())
                                                   : graph.outputs().front().node;
  const auto index = witness.at("output_index").get<size_t>();
  const auto a = numbers(witness.at("a")), b = numbers(witness.at("b")), mid = numbers(witness.at("mid"));
  if (a.size() != b.size() || a.size() != mid.size()) throw Refused("the points have different sizes");
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] + b[i] != mid[i] + mid[i]) throw Refused("mid is not the middle of a and b");
  const std::vector<Rational> claimed = numbers({witness.at("f_a"), witness.at("f_b"), witness.at("f_mid")});
  const Rational defect = claimed[0] + claimed[1] - 2 * claimed[2];
  if (defect.is_zero()) throw Refused("the three values lie on a line: nothing is refuted");
  if (defect != Rational::parse(witness.at("defect").get<std::string>()))
    throw Refused("the defect is " + to_string(defect) + ", the certificate claims another value");
  const auto values = witness.contains("bits")
                          ? enclosed_at(graph, output, index, {a, b, mid}, witness.at("bits").get<int64_t>())
                          : exact_at(graph, output, index, {a, b, mid});
  static constexpr const char* names[] = {"f_a", "f_b", "f_mid"};
  for (size_t k = 0; k < 3; ++k)
    if (claimed[k] < values[k].low || values[k].high < claimed[k])
      throw Refused(std::string(names[k]) + " is " + text_of(values[k]) +
                    ", the certificate claims another value");
  const Rational least = values[0].low + values[1].low - 2 * values[2].high,
                 most = values[0].high + values[1].high - 2 * values[2].low;
  if (least.sign() <= 0 && most.sign() >= 0)
    throw Refused("with so few bits the three values may lie on a line: nothing is refuted");
  return spoken(graph, output) + " is not affine in the inputs";
}

}  // namespace checker

namespace {

/// Graphs that a kind speaks of.
void expect_graphs(const nlohmann::json& certificate, const Graph& graph, const Graph* other) {
  if (certificate.at("cert") != "graph-cert/1") throw checker::Refused("the format is not graph-cert/1");
  if (certificate.at("semantics") != "real") throw checker::Refused("only real semantics is known");
  if (certificate.at("graph") != digest(graph))
    throw checker::Refused("the certificate is about another graph");
  const auto& kind = certificate.at("kind");
  const bool of_two =
      kind == "equivalence" || kind == "difference" || kind == "same-orbit" || kind == "box-equivalence";
  if (of_two && other == nullptr) throw checker::Refused("the certificate speaks of two graphs: give both");
  if (!of_two && other != nullptr) throw checker::Refused("the certificate speaks of one graph only");
  if (of_two && certificate.at("other") != digest(*other))
    throw checker::Refused("the certificate is about another second graph");
}

std::string check_kind(std::string_view json, const Graph& graph, const Graph* other) {
  const nlohmann::json certificate = nlohmann::json::parse(json);
  expect_graphs(certificate, graph, other);
  const std::string kind = certificate.at("kind").get<std::string>();
  if (kind == "affine-collapse") return checker::check_affine(certificate, graph);
  if (kind == "affine-enclosure") return checker::check_affine_enclosure(certificate, graph);
  if (kind == "not-affine") return checker::check_witness(certificate, graph);
  if (kind == "unit-verdicts") return checker::check_units(certificate, graph);
  if (kind == "gradient") return checker::check_gradient(certificate, graph);
  if (kind == "separability") return checker::check_separability(certificate, graph);
  if (kind == "rescaling-invariance") return checker::check_rescaling(certificate, graph);
  if (kind == "equivalence") return checker::check_equivalence(certificate, graph, *other);
  if (kind == "difference") return checker::check_difference(certificate, graph, *other);
  if (kind == "same-orbit") return checker::check_same_orbit(certificate, graph, *other);
  if (kind == "box-equivalence") return checker::check_box_equivalence(certificate, graph, *other);
  throw checker::Refused("kind '" + kind + "' is not known");
}

CheckResult judged(std::string_view json, const Graph& graph, const Graph* other) {
  try {
    return {true, check_kind(json, graph, other)};
  } catch (const checker::Refused& refused) {
    return {false, refused.what()};
  } catch (const Error& problem) {
    return {false, problem.what()};
  } catch (const std::exception& problem) {
    return {false, "not a certificate: " + json_problem(json, problem)};
  }
}

}  // namespace

CheckResult check(std::string_view json, const Graph& graph) { return judged(json, graph, nullptr); }

CheckResult check(std::string_view json, const Graph& graph, const Graph& other) {
  return judged(json, graph, &other);
}

CheckResult check(const Certificate& certificate, const Graph& graph) {
  return check(certificate.json, graph);
}

}  // namespace crease
