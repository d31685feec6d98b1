// Certificates of kind "separability" (format: separability_certificate.h): the tensor's values are computed
// exactly at each point, and every hyperplane or list of multipliers is put in.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "graph/analysis/certificate.h"
#include "graph/analysis/check_fields.h"
#include "graph/analysis/check_kinds.h"

namespace crease::checker {
namespace {

using nlohmann::json;
using Numbers = std::vector<Rational>;

/// Values of a tensor at the points, and on which side each belongs.
struct Classes {
  std::vector<Numbers> points;
  std::vector<int> sides;  // 1: the label of the claim
};

void check_plane(const json& proof, const Classes& classes) {
  require_fields(proof, {"w", "b"}, {});
  const Numbers w = numbers(proof.at("w").get<std::vector<std::string>>());
  const Rational b = Rational::parse(proof.at("b").get<std::string>());
  for (size_t k = 0; k < classes.points.size(); ++k) {
    const Numbers& point = classes.points[k];
    if (w.size() != point.size())
      throw Refused(fmt::format("w has {} numbers, the tensor {}", w.size(), point.size()));
    Rational height = b;
    for (size_t i = 0; i < point.size(); ++i) height += w[i] * point[i];
    if (height.sign() != classes.sides[k])
      throw Refused(fmt::format("point {} is not on its side of the hyperplane", k));
  }
}

void check_multipliers(const json& proof, const Classes& classes) {
  require_fields(proof, {"multipliers"}, {});
  const Numbers m = numbers(proof.at("multipliers").get<std::vector<std::string>>());
  if (m.size() != classes.points.size())
    throw Refused(fmt::format("{} multipliers for {} points", m.size(), classes.points.size()));
  if (std::ranges::any_of(m, [](const Rational& x) { return x.sign() < 0; }))
    throw Refused("a multiplier is negative");
  if (std::ranges::all_of(m, [](const Rational& x) { return x.is_zero(); }))
    throw Refused("all multipliers are 0");
  Numbers sum(classes.points.front().size() + 1);
  for (size_t k = 0; k < m.size(); ++k) {
    const Rational weight = classes.sides[k] > 0 ? m[k] : -m[k];
    for (size_t i = 0; i < classes.points[k].size(); ++i) sum[i] += weight * classes.points[k][i];
    sum.back() += weight;
  }
  if (std::ranges::any_of(sum, [](const Rational& x) { return !x.is_zero(); }))
    throw Refused("the multipliers do not cancel: the hulls of the classes need not meet");
}

std::vector<Numbers> values_of(const json& certificate, const Graph& graph, NodeId node) {
  std::vector<Numbers> values;
  for (const json& point : certificate.at("points"))
    values.push_back(values_at(graph, node, numbers(point.get<std::vector<std::string>>())));
  return values;
}

/// The keys of two objects are the same.
void require_same_keys(const json& claim, const json& proofs) {
  if (!claim.is_object() || !proofs.is_object()) throw Refused("a claim is no object");
  for (const auto& [key, value] : claim.items())
    if (!proofs.contains(key)) throw Refused("there is no proof for '" + key + "'");
  for (const auto& [key, value] : proofs.items())
    if (!claim.contains(key)) throw Refused("'" + key + "' is proved, but not claimed");
}

}  // namespace

std::string check_separability(const json& certificate, const Graph& graph) {
  require_fields(certificate, {"cert", "kind", "graph", "semantics", "points", "labels", "claim", "proofs"},
                 {});
  const auto labels = certificate.at("labels").get<std::vector<int64_t>>();
  if (labels.empty() || labels.size() != certificate.at("points").size())
    throw Refused(fmt::format("{} labels for {} points", labels.size(), certificate.at("points").size()));
  const json &claim = certificate.at("claim"), &proofs = certificate.at("proofs");
  require_same_keys(claim, proofs);
  if (claim.empty()) throw Refused("nothing is claimed");
  std::string proved;
  for (const auto& [node, verdicts] : claim.items()) {
    require_same_keys(verdicts, proofs.at(node));
    Classes classes{values_of(certificate, graph, node_of_key(graph, node)), {}};
    size_t separable = 0;
    for (const auto& [label, verdict] : verdicts.items()) {
      classes.sides.clear();
      for (const int64_t each : labels) classes.sides.push_back(std::to_string(each) == label ? 1 : -1);
      if (std::ranges::count(classes.sides, 1) == 0) throw Refused("no point has the label " + label);
      if (std::ranges::count(classes.sides, -1) == 0) throw Refused("all points have the label " + label);
      if (verdict != "separable" && verdict != "inseparable") throw Refused("the verdict is not known");
      const json& proof = proofs.at(node).at(label);
      if (verdict == "separable") check_plane(proof, classes);
      if (verdict == "inseparable") check_multipliers(proof, classes);
      separable += verdict == "separable" ? 1 : 0;
    }
    proved += fmt::format("{}at {} {} of {} labels are linearly separable from the others",
                          proved.empty() ? "" : "; ", node, separable, verdicts.size());
  }
  return fmt::format("{}, on {} points", proved, labels.size());
}

}  // namespace crease::checker
