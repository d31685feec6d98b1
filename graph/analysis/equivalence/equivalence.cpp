#include "graph/analysis/equivalence/equivalence.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "graph/analysis/certificate.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/enclosed_witness.h"
#include "graph/analysis/equivalence/cover.h"
#include "graph/analysis/equivalence/match.h"
#include "graph/analysis/equivalence/same_orbit.h"
#include "graph/analysis/equivalence/witness.h"
#include "graph/analysis/exact.h"
#include "graph/analysis/joined.h"
#include "graph/analysis/normal_form/normal_form.h"
#include "graph/error.h"
#include "graph/stored.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

Json header(const Graph& a, const Graph& b, const char* kind) {
  return {{"cert", "graph-cert/1"},
          {"kind", kind},
          {"graph", digest(a)},
          {"other", digest(b)},
          {"semantics", "real"}};
}

/// A number with few digits in the middle half between two.
Rational short_between(const Rational& a, const Rational& b) {
  const Rational gap = (a - b).abs();
  int64_t power = 0;
  while (Rational::dyadic(4, power) > gap) --power;
  while (Rational::dyadic(8, power) <= gap) ++power;
  return ((a + b) / 2).floor(power);
}

Certificate difference_certificate(const Graph& a, const Graph& b, const DifferenceWitness& witness) {
  Json json = header(a, b, "difference");
  json["witness"] = {
      {"point", texts(witness.point)}, {"output", witness.output}, {"output_index", witness.index}};
  if (witness.bits == 0) {
    json["witness"]["a"] = to_string(witness.a);
    json["witness"]["b"] = to_string(witness.b);
  } else {
    json["witness"]["below"] = witness.a < witness.b ? "a" : "b";
    json["witness"]["between"] = to_string(short_between(witness.a, witness.b));
    json["witness"]["bits"] = witness.bits;
  }
  return {"difference", json.dump()};
}

Certificate equivalence_certificate(const Graph& a, const Graph& b, const Joined& both,
                                    const NormalForm& normal, const std::string& cover) {
  const ProofSteps steps = proof_steps(both.graph, normal, both.differences);
  Json json = header(a, b, "equivalence");
  json["frontier"] = Json::array();
  for (const NodeId id : steps.leaves)
    if (both.graph.node(id).role != Role::Input) json["frontier"].push_back(node_key(both.graph, id));
  json["steps"] = Json::parse(steps.steps);
  if (!cover.empty()) json["cover"] = Json::parse(cover);
  return {"equivalence", json.dump()};
}

/// The search, step by step.
class Comparison {
 public:
  Comparison(const Graph& a, const Graph& b, const EquivalenceOptions& options)
      : a_(a), b_(b), options_(options), both_(joined(a, b)) {}

  Equivalence run() const {
    if (auto found = random_witness()) return different(*std::move(found), "at a random point");
    const NormalForm normal =
        normal_form(both_.graph, {.point_limit = options_.point_limit, .work_limit = options_.form_limit});
    if (!normal.reason.empty()) return unknown("the normal form was not made: " + normal.reason);
    const bool zero = std::ranges::all_of(both_.differences, [&](NodeId id) {
      return std::ranges::all_of(normal.forms.at(id),
                                 [](const Combination& form) { return form == Combination{}; });
    });
    if (zero) return equal(normal, "", "their normal forms are equal");
    const Cover cells = cover(both_.graph, normal, both_.differences,
                              {.cells = options_.cell_limit, .work = options_.work_limit});
    if (cells.proved) return equal(normal, cells.tree, "their difference is 0 in every cell of input space");
    if (cells.counterexample) {
      if (const std::string input = not_at(*cells.counterexample, normal); !input.empty())
        return unknown(
            "their difference is 0 at random points, and a cell where it is not has fractions in " + input +
            ", which holds none");
      if (auto found = witness_at(both_, point_of(normal, *cells.counterexample)))
        return different(*std::move(found), "in a cell that random points missed");
      return unknown(
          "in normal form the networks differ, but through functions that are not piecewise linear");
    }
    return unknown("their normal forms differ, which proves nothing; " + cells.reason);
  }

 private:
  const Graph& a_;
  const Graph& b_;
  const EquivalenceOptions options_;
  const Joined both_;

  /// Points with few digits, at several scales.
  std::optional<DifferenceWitness> random_witness() const {
    std::mt19937_64 random(options_.seed);
    std::uniform_int_distribution<int64_t> number(-64, 64);
    const bool exact = is_exact_affordable(both_.graph, both_.differences);
    const int enclosed = std::min(options_.tries, 4);
    for (int attempt = 0; attempt < (exact ? options_.tries : enclosed); ++attempt) {
      const int64_t exponent = -4 + 3 * (attempt % 4 == 3 ? attempt % 5 - 2 : 0);
      std::vector<Rational> point;
      for (const NodeId id : both_.graph.inputs())
        for (size_t i = 0; i < input_size(both_.graph, id); ++i)
          point.push_back(drawn(both_.graph.node(id).type, number(random), Rational::dyadic(1, exponent)));
      if (exact)
        if (auto found = witness_at(both_, point)) return found;
      if (attempt < enclosed)
        if (auto found = enclosed_witness_at(both_, point)) return found;
    }
    return {};
  }

  /// A counterexample over leaves as a point of the inputs: those that it does not name are 0.
  std::vector<Rational> point_of(const NormalForm& normal, const std::map<int, Rational>& values) const {
    std::map<std::pair<NodeId, int64_t>, Rational> by_element;
    for (const auto& [variable, value] : values) {
      const UnitName& name = normal.variables[variable].name;
      by_element[{name.node, name.element}] = value;
    }
    std::vector<Rational> point;
    for (const NodeId id : both_.graph.inputs())
      for (size_t i = 0; i < input_size(both_.graph, id); ++i) {
        const auto found = by_element.find({id, static_cast<int64_t>(i)});
        point.push_back(found == by_element.end() ? Rational(0) : found->second);
      }
    return point;
  }

  /// The first input that cannot have its numbers in a counterexample.
  std::string not_at(const std::map<int, Rational>& values, const NormalForm& normal) const {
    for (const auto& [variable, value] : values) {
      const Node& node = both_.graph.node(normal.variables[variable].name.node);
      if (node.role == Role::Input && !can_be(node.type, value)) return "input '" + node.name + "'";
    }
    return "";
  }

  Equivalence different(DifferenceWitness witness, std::string where) const {
    Equivalence result{.verdict = Verdict::Refuted, .reason = std::move(where)};
    result.certificate = difference_certificate(a_, b_, witness);
    result.witness = std::move(witness);
    return result;
  }

  Equivalence equal(const NormalForm& normal, const std::string& cover, std::string reason) const {
    Equivalence result{.verdict = Verdict::Proved, .reason = std::move(reason)};
    result.certificate = equivalence_certificate(a_, b_, both_, normal, cover);
    if (!same_architecture(a_, b_)) return result;
    auto layers = matched_layers(a_, both_, normal);
    result.relation = layers ? Relation::SameOrbit : Relation::OtherOrbit;
    if (layers) result.layers = *std::move(layers);
    return result;
  }

  static Equivalence unknown(std::string reason) { return {.reason = std::move(reason)}; }
};

Equivalence of_one_orbit(std::optional<Certificate> certificate, std::string reason) {
  return {.verdict = Verdict::Proved,
          .relation = Relation::SameOrbit,
          .reason = std::move(reason),
          .certificate = std::move(certificate)};
}

}  // namespace

std::string_view to_string(Relation relation) {
  switch (relation) {
    case Relation::SameOrbit: return "same orbit";
    case Relation::OtherOrbit: return "other orbit";
    case Relation::DifferentArchitecture: return "different architecture";
  }
  return "";
}

Equivalence equivalent(const Graph& a, const Graph& b, const EquivalenceOptions& options) {
  const Comparison comparison(a, b, options);  // refuses what cannot be compared
  if (digest(a) == digest(b)) return of_one_orbit(same_orbit(a, b), "they are one network");
  Equivalence found = comparison.run();
  if (found.verdict != Verdict::Unknown) return found;
  if (auto certificate = same_orbit(a, b))
    return of_one_orbit(std::move(certificate),
                        "one is the other with parameters multiplied by powers of two");
  return found;
}

}  // namespace crease
