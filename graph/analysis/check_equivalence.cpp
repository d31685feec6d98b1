// The checker's side of "equivalence" and "difference": two networks over the same inputs. Their difference
// is replayed; where that leaves relus, a tree of cells decides each of them.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "graph/analysis/certificate.h"
#include "graph/analysis/check_fields.h"
#include "graph/analysis/check_kinds.h"
#include "graph/analysis/decimals.h"
#include "graph/analysis/joined.h"
#include "graph/error.h"

namespace crease::checker {

namespace {

using Json = nlohmann::json;

/// Replays a tree of cells. A node decides relus one after the other, each with multipliers of the cell's
/// conditions, then splits at one, or ends: there the forms must be 0.
class Cells {
 public:
  Cells(const Graph& graph, const Replayed& replayed) : graph_(graph), replayed_(replayed) {}

  void node(const Json& json) {
    const std::map<Atom, Form> before = values_;
    const bool splits = json.contains("split");
    if (splits)
      require_fields(json, {"decided", "split", "active", "dead"}, {});
    else
      require_fields(json, {"decided"}, {});
    for (const Json& unit : json.at("decided")) decide(unit);
    if (splits) {
      const Atom atom = open_atom(json.at("split").get<std::string>());
      const Form argument = argument_of(atom);
      part(json.at("active"), atom, argument, true);
      part(json.at("dead"), atom, argument, false);
    } else {
      for (const Form& form : replayed_.sinks)
        if (reduced(form) != Form{}) throw Refused("in a cell the difference is not 0");
    }
    values_ = before;
  }

 private:
  const Graph& graph_;
  const Replayed& replayed_;
  std::map<Atom, Form> values_;   // of decided relus
  std::vector<Form> conditions_;  // each >= 0 in the cell

  Atom open_atom(const std::string& text) const {
    const Atom atom = parse_atom(graph_, text);
    if (!replayed_.relus.contains(atom)) throw Refused(text + " is no relu that is left open");
    if (values_.contains(atom)) throw Refused(text + " is decided twice");
    return atom;
  }

  /// The argument over what is not decided by the tree.
  Form argument_of(const Atom& atom) const { return reduced(replayed_.relus.at(atom)); }

  Form reduced(const Form& form) const {
    Form result{{}, form.constant};
    for (const auto& [atom, coefficient] : form.terms) {
      const auto decided = values_.find(atom);
      if (decided != values_.end())
        add(result, decided->second, coefficient);
      else if (replayed_.relus.contains(atom))
        throw Refused(to_string(graph_, atom) + " is used before it is decided");
      else
        add(result, Form{{{atom, 1}}, 0}, coefficient);
    }
    return result;
  }

  /// [unit, "ACTIVE" or "DEAD", {condition: multiplier}]: the argument (its negative, if active) plus the
  /// conditions times their multipliers is a constant that is not positive, so it is not positive itself.
  void decide(const Json& unit) {
    if (unit.size() != 3) throw Refused("a decision is not a unit, a verdict and multipliers");
    const std::string name = unit.at(0).get<std::string>(), verdict = unit.at(1).get<std::string>();
    const Atom atom = open_atom(name);
    if (verdict != "ACTIVE" && verdict != "DEAD") throw Refused("'" + verdict + "' is not known");
    const Form argument = argument_of(atom);
    Form sum = scaled(argument, verdict == "ACTIVE" ? -1 : 1);
    for (const auto& [index, text] : unit.at(2).items()) {
      const Rational place = Rational::parse(index), factor = Rational::parse(text.get<std::string>());
      if (factor.sign() <= 0) throw Refused("a multiplier is not positive");
      const bool known = place.is_integer() && place.sign() >= 0 &&
                         place < Rational(static_cast<int64_t>(conditions_.size()));
      if (!known) throw Refused("no condition " + index);
      add(sum, conditions_[static_cast<size_t>(place.to_double())], factor);
    }
    if (!sum.is_constant() || sum.constant.sign() > 0) throw Refused(name + " is not proved " + verdict);
    values_[atom] = verdict == "ACTIVE" ? argument : Form{};
  }

  void part(const Json& json, const Atom& atom, const Form& argument, bool active) {
    conditions_.push_back(scaled(argument, active ? 1 : -1));
    values_[atom] = active ? argument : Form{};
    node(json);
    values_.erase(atom);
    conditions_.pop_back();
  }
};

}  // namespace

std::string check_equivalence(const Json& certificate, const Graph& a, const Graph& b) {
  require_fields(certificate, {"cert", "kind", "graph", "other", "semantics", "frontier", "steps"},
                 {"cover"});
  const Joined both = joined(a, b);
  const Replayed replayed = replayed_forms(certificate, both.graph, both.differences);
  if (certificate.contains("cover")) {
    Cells(both.graph, replayed).node(certificate.at("cover"));
  } else {
    for (const Form& form : replayed.sinks)
      if (form != Form{}) throw Refused("the difference is not 0 in normal form");
  }
  return "both networks compute the same function";
}

namespace {

/// Values that are rational, as the certificate says.
std::string exact_difference(const Json& witness, const Joined& both, const std::pair<NodeId, NodeId>& pair,
                             const std::vector<Rational>& point) {
  require_fields(witness, {"point", "output", "output_index", "a", "b"}, {});
  const auto index = witness.at("output_index").get<size_t>();
  Rational values[2];
  for (const bool second : {false, true}) {
    values[second] = value_at(both.graph, second ? pair.second : pair.first, index, point);
    const std::string key = second ? "b" : "a";
    if (values[second] != Rational::parse(witness.at(key).get<std::string>()))
      throw Refused(key + " is " + to_string(values[second]) + ", the certificate claims another value");
  }
  if (values[0] == values[1]) throw Refused("both values are equal: nothing is refuted");
  const auto [first, second] = distinct_texts(values[0], values[1]);
  return first + " in one network and " + second + " in the other at the same input";
}

/// One value is below a number, the other above.
std::string separated(const Json& witness, const Joined& both, const std::pair<NodeId, NodeId>& pair,
                      const std::vector<Rational>& point) {
  require_fields(witness, {"point", "output", "output_index", "below", "between", "bits"}, {});
  const auto index = witness.at("output_index").get<size_t>();
  const auto bits = witness.at("bits").get<int64_t>();
  const std::string below = witness.at("below").get<std::string>();
  if (below != "a" && below != "b") throw Refused("'" + below + "' is no network: want a or b");
  const Enclosure a = enclosed_at(both.graph, pair.first, index, {point}, bits).front();
  const Enclosure b = enclosed_at(both.graph, pair.second, index, {point}, bits).front();
  const Rational between = Rational::parse(witness.at("between").get<std::string>());
  const Enclosure &lower = below == "a" ? a : b, &upper = below == "a" ? b : a;
  if (!(lower.high < between && between < upper.low))
    throw Refused("the values are not proved to lie on both sides of " + to_string(between));
  return "below " + text_between(lower.high, upper.low) +
         " in one network and above it in the other at the same input";
}

}  // namespace

std::string check_difference(const Json& certificate, const Graph& a, const Graph& b) {
  require_fields(certificate, {"cert", "kind", "graph", "other", "semantics", "witness"}, {});
  const Json& witness = certificate.at("witness");
  const Joined both = joined(a, b);
  const std::string name = witness.at("output").get<std::string>();
  const auto output = std::ranges::find(a.outputs(), name, &Output::name);
  if (output == a.outputs().end()) throw Refused("no output '" + name + "'");
  const auto& pair = both.outputs[static_cast<size_t>(output - a.outputs().begin())];
  const std::vector<Rational> point = numbers(witness.at("point"));
  return name + " is " +
         (witness.contains("between") ? separated : exact_difference)(witness, both, pair, point);
}

}  // namespace crease::checker
