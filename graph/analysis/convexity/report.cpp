#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "graph/analysis/certificate.h"
#include "graph/analysis/convexity.h"
#include "graph/analysis/finite.h"
#include "graph/analysis/points.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

/// One character for each input element, or for each input where they are many.
std::string monotone_text(const Graph& graph, const Convexity& facts, const Curve& curve) {
  std::string text;
  for (const NodeId input : graph.inputs())
    for (int64_t i = 0; i < (facts.by_element() ? sample_count(graph.node(input).shape) : 1); ++i)
      text += monotone_sign(curve, facts.bits(input, i));
  return text;
}

/// "nondecreasing in x[0], x[2]", for the inputs with one sign.
std::string inputs_with(const Graph& graph, const Convexity& facts, const Curve& curve, char sign) {
  std::string text;
  for (const NodeId input : graph.inputs()) {
    const std::string& name = graph.node(input).name;
    const int64_t count = facts.by_element() ? sample_count(graph.node(input).shape) : 1;
    int64_t matching = 0;
    std::string some;
    for (int64_t i = 0; i < count; ++i)
      if (monotone_sign(curve, facts.bits(input, i)) == sign) {
        ++matching;
        if (matching <= 8) some += fmt::format("{}{}[{}]", some.empty() ? "" : ", ", name, i);
        if (matching == 9) some += ", ...";
      }
    if (matching == 0) continue;
    text += (text.empty() ? "" : ", ") + (matching == count ? "all of " + name : some);
  }
  return text;
}

/// The signs of `values`; they make the finding one about values where they take the signs of weights.
void add_monotone(const Graph& graph, const Convexity& facts, const Curve& curve, const Curve& always,
                  Finding& finding) {
  if (curve.rises != always.rises || curve.falls != always.falls) finding.level = Level::Values;
  for (const auto& [sign, words] :
       {std::pair{'+', "nondecreasing in "}, {'-', "nonincreasing in "}, {'0', "independent of "}})
    if (const std::string inputs = inputs_with(graph, facts, curve, sign); !inputs.empty()) {
      finding.sentences.push_back(words + inputs);
      finding.verdict = Verdict::Proved;
    }
}

std::string verdict_sentence(const std::string& name, const Curve& curve, Level level) {
  const std::string scope = level == Level::Structure ? ", whatever the parameters are" : "";
  if (curve.is_constant()) return fmt::format("{} is constant{}", name, scope);
  if (curve.is_affine()) return fmt::format("{} is affine, so convex and concave{}", name, scope);
  if (curve.is_convex()) return fmt::format("{} is convex{}", name, scope);
  if (curve.is_concave()) return fmt::format("{} is concave{}", name, scope);
  return fmt::format("{} is not known to be convex or concave: the rules of composition do not tell", name);
}

Json element_facts(const Graph& graph, const Convexity& facts, NodeId id) {
  constexpr int64_t shown = 64;
  Json list = Json::array();
  for (int64_t i = 0; i < std::min(sample_count(graph.node(id).shape), shown); ++i) {
    const Curve curve = facts.at(id, i);
    list.push_back({{"curvature", curvature_name(curve)}, {"monotone", monotone_text(graph, facts, curve)}});
  }
  return list;
}

}  // namespace

std::string_view curvature_name(const Curve& curve) {
  if (curve.is_constant()) return "constant";
  if (curve.is_affine()) return "affine";
  if (curve.is_convex()) return "convex";
  return curve.is_concave() ? "concave" : "unknown";
}

char monotone_sign(const Curve& curve, uint64_t bit) {
  const bool up = (curve.rises & bit) != 0, down = (curve.falls & bit) != 0;
  if (up) return down ? '?' : '+';
  return down ? '-' : '0';
}

std::vector<Finding> convexity_findings(const Graph& graph) {
  const Convexity values(graph), structure(graph, {.level = Level::Structure});
  std::vector<Finding> findings;
  for (const Output& output : graph.outputs()) {
    const Curve curve = values.any(output.node), always = structure.any(output.node);
    const bool structural = curvature_name(always) == curvature_name(curve);
    Finding finding{.id = "convexity", .subject = output.name, .sentences = {}, .certificate = {}};
    const bool unknown = curve.bends_up && curve.bends_down;
    const bool always_so = structural && curve.rises == always.rises && curve.falls == always.falls;
    const NodeId broken = always_so ? -1 : first_not_finite(graph, output.node);
    if (broken >= 0) {
      finding.sentences.push_back(
          fmt::format("{}: nothing is claimed, since {} holds a number that is not finite", output.name,
                      describe(graph, broken)));
      finding.evidence = Json::object().dump();
      findings.push_back(std::move(finding));
      continue;
    }
    finding.verdict = unknown ? Verdict::Unknown : Verdict::Proved;
    finding.level = structural && !unknown ? Level::Structure : Level::Values;
    const std::string shape = verdict_sentence(output.name, curve, finding.level);
    if (!curve.is_constant()) add_monotone(graph, values, curve, always, finding);
    // What is proved leads, since the verdict stands beside it.
    const bool behind = unknown && !finding.sentences.empty();
    if (behind) finding.sentences.front().insert(0, output.name + " is ");
    finding.sentences.insert(behind ? finding.sentences.end() : finding.sentences.begin(), shape);
    finding.evidence = Json{{"curvature", curvature_name(curve)},
                            {"curvature_for_all_parameters", curvature_name(always)},
                            {"monotone", monotone_text(graph, values, curve)},
                            {"elements", element_facts(graph, values, output.node)}}
                           .dump();
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace crease
