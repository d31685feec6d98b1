#include "graph/analysis/smt.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/exact.h"
#include "graph/analysis/json_problem.h"
#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/piecewise.h"
#include "graph/scalar/forms.h"
#include "graph/stored.h"

namespace crease {

namespace {

using Json = nlohmann::json;

/// "(- (/ 7 2))": literals of SMT-LIB are not negative.
std::string literal(const Rational& value) {
  const std::string text = to_string(value.abs());
  const auto slash = text.find('/');
  const std::string positive = slash == std::string::npos
                                   ? text + ".0"
                                   : "(/ " + text.substr(0, slash) + ".0 " + text.substr(slash + 1) + ".0)";
  return value.sign() < 0 ? "(- " + positive + ")" : positive;
}

/// Joins terms; an empty sum is 0, one term stands alone.
std::string sum_of(const std::vector<std::string>& terms) {
  if (terms.empty()) return "0.0";
  if (terms.size() == 1) return terms[0];
  return fmt::format("(+ {})", fmt::join(terms, " "));
}

std::string choice(const char* relation, const std::string& a, const std::string& b) {
  return fmt::format("(let ((a {}) (b {})) (ite ({} a b) a b))", a, b, relation);
}

/// A number is known exactly, or is a term.
struct Term {
  std::optional<Rational> value = {};
  std::string text = {};

  static Term known(const Rational& value) { return {value, literal(value)}; }
};

/// A scalar body as a term; comparisons are terms of sort Bool.
class BodyTerm {
 public:
  BodyTerm(std::span<const Term> arguments, std::span<const int64_t> labels, std::string where)
      : arguments_(arguments), labels_(labels), where_(std::move(where)) {}

  /// Steps that are mentioned more than once are named by `let`.
  Term of(const Scalar& body) const {
    const std::vector<BodyStep> steps = steps_of(body);
    std::vector<int> mentions(steps.size());
    for (const BodyStep& step : steps)
      for (const size_t term : step.terms) ++mentions[term];
    std::vector<Term> known;
    std::string names, ends;
    for (size_t k = 0; k < steps.size(); ++k) {
      std::vector<Term> terms;
      for (const size_t term : steps[k].terms) terms.push_back(known[term]);
      known.push_back(of_step(steps[k].node, terms));
      if (known[k].value || mentions[k] < 2 || terms.empty()) continue;
      names += fmt::format("(let ((s{} {})) ", k, known[k].text);
      ends += ')';
      known[k].text = fmt::format("s{}", k);
    }
    if (!known.back().value) known.back().text = names + known.back().text + ends;
    return known.back();
  }

 private:
  Term of_step(const Scalar& e, const std::vector<Term>& terms) const {
    if (e.kind() == ScalarKind::Argument) return arguments_[static_cast<size_t>(e.position())];
    if (terms.empty()) {
      if (const auto value = evaluate_exactly(e, {}, labels_)) return Term::known(*value);
      refuse(e);
    }
    if (std::ranges::all_of(terms, [](const Term& term) { return term.value.has_value(); })) {
      std::vector<Rational> values;
      for (const Term& term : terms) values.push_back(*term.value);
      if (const auto value = compute_exactly(e.kind(), values)) return Term::known(*value);
      refuse(e);
    }
    return {{}, combined(e, terms)};
  }

  [[noreturn]] void refuse(const Scalar& e) const {
    fail("[smt] no linear encoding: got {} in {}, want sums, multiples, max, min and select",
         name_of(e.kind()), where_);
  }

  static std::string truth(const Term& term) {
    if (term.value) return term.value->is_zero() ? "false" : "true";
    return term.text;
  }

  std::string combined(const Scalar& e, const std::vector<Term>& t) const {
    const auto binary = [&](const char* name) {
      return fmt::format("({} {} {})", name, t[0].text, t[1].text);
    };
    switch (e.kind()) {
      case ScalarKind::Add: return binary("+");
      case ScalarKind::Subtract: return binary("-");
      case ScalarKind::Negate: return "(- " + t[0].text + ")";
      case ScalarKind::Multiply:
        if (t[0].value || t[1].value) return binary("*");
        break;
      case ScalarKind::Divide:
        if (t[1].value && !t[1].value->is_zero())
          return fmt::format("(* {} {})", literal(Rational(1) / *t[1].value), t[0].text);
        break;
      case ScalarKind::Max: return choice(">=", t[0].text, t[1].text);
      case ScalarKind::Min: return choice("<=", t[0].text, t[1].text);
      case ScalarKind::Less: return binary("<");
      case ScalarKind::LessEqual: return binary("<=");
      case ScalarKind::Equal: return binary("=");
      case ScalarKind::And: return fmt::format("(and {} {})", truth(t[0]), truth(t[1]));
      case ScalarKind::Or: return fmt::format("(or {} {})", truth(t[0]), truth(t[1]));
      case ScalarKind::Not: return "(not " + truth(t[0]) + ")";
      case ScalarKind::Select: return fmt::format("(ite {} {} {})", truth(t[0]), t[1].text, t[2].text);
      default: break;
    }
    refuse(e);
  }

  std::span<const Term> arguments_;
  std::span<const int64_t> labels_;
  std::string where_;
};

/// Writes one copy of a network; values of elements are named "<prefix>7_0": node 7, element 0.
class Network {
 public:
  Network(const Graph& graph, std::string prefix, std::string& script)
      : graph_(graph), prefix_(std::move(prefix)), script_(script) {}

  /// Elements of a node as free variables.
  void set_free(NodeId id) {
    std::vector<Term>& terms = terms_[id];
    for (int64_t i = 0; i < sample_count(graph_.node(id).shape); ++i) {
      terms.push_back({{}, symbol(id, i)});
      script_ += fmt::format("(declare-const {} Real)\n", terms.back().text);
    }
  }
  void set(NodeId id, std::vector<Term> terms) { terms_[id] = std::move(terms); }

  /// Terms of a node's elements; describes what it needs first.
  const std::vector<Term>& terms(NodeId id) {
    for (const NodeId need : ancestors_until_known(id)) describe_node(need);
    return terms_.at(id);
  }

 private:
  std::string symbol(NodeId id, int64_t i) const { return fmt::format("{}{}_{}", prefix_, id, i); }

  std::vector<NodeId> ancestors_until_known(NodeId id) const {
    std::set<NodeId> found;
    std::vector<NodeId> open{id};
    while (!open.empty()) {
      const NodeId next = open.back();
      open.pop_back();
      if (terms_.contains(next) || !found.insert(next).second) continue;
      const auto& operands = graph_.node(next).operands;
      open.insert(open.end(), operands.begin(), operands.end());
    }
    return {found.begin(), found.end()};
  }

  void describe_node(NodeId id) {
    if (graph_.node(id).role == Role::Input) return set_free(id);
    if (graph_.node(id).role == Role::Apply && !has_known_value(id)) return describe_operation(id);
    const auto values = evaluate_exactly(graph_, {}, std::span(&id, 1));
    expect(values.has_value(), "[smt] no exact value: got {}, want rational numbers", describe(graph_, id));
    for (const Rational& value : values->at(id)) terms_[id].push_back(Term::known(value));
  }

  bool has_known_value(NodeId id) const {
    for (const NodeId operand : graph_.node(id).operands)
      for (const Term& term : terms_.at(operand))
        if (!term.value) return false;
    return true;
  }

  void describe_operation(NodeId id) {
    const Node& node = graph_.node(id);
    expect(stores_exactly(graph_, node), "[smt] no linear encoding: got integers that are cut or wrap in {}",
           describe(graph_, id));
    expect(!has_lookup(node), "[smt] no linear encoding: got a lookup in {}, want fixed accesses",
           describe(graph_, id));
    std::vector<std::vector<std::string>> points(static_cast<size_t>(sample_count(node.shape)));
    std::vector<Term> arguments(node.operands.size());
    for (PointWalk walk(graph_, id); walk.valid(); walk.next()) {
      if (!walk.inside()) continue;
      for (size_t k = 0; k < arguments.size(); ++k)
        arguments[k] = terms_.at(node.operands[k])[static_cast<size_t>(walk.read(k))];
      const Term term = BodyTerm(arguments, walk.labels(), describe(graph_, id)).of(node.op->body.expression);
      if (!term.value || !term.value->is_zero() || node.op->combine != Combine::Sum)
        points[static_cast<size_t>(walk.write())].push_back(term.text);
    }
    std::vector<Term>& terms = terms_[id];
    for (size_t i = 0; i < points.size(); ++i) {
      const std::string name = symbol(id, static_cast<int64_t>(i));
      script_ += fmt::format("(define-fun {} () Real {})\n", name, gathered(node, points[i], id));
      terms.push_back({{}, name});
    }
  }

  std::string gathered(const Node& node, const std::vector<std::string>& points, NodeId id) const {
    const Combine combine = node.op->combine;
    if (combine == Combine::Sum || (combine == Combine::Assign && points.size() <= 1)) return sum_of(points);
    const bool is_extremum = combine == Combine::Max || combine == Combine::Min;
    expect(is_extremum && !points.empty(), "[smt] no linear encoding: got {} in {}, want sum, max or min",
           to_string(combine), describe(graph_, id));
    std::string result = points[0];
    for (size_t k = 1; k < points.size(); ++k)
      result = choice(combine == Combine::Max ? ">=" : "<=", result, points[k]);
    return result;
  }

  const Graph& graph_;
  std::string prefix_;
  std::string& script_;
  std::map<NodeId, std::vector<Term>> terms_;
};

/// Writes the script of one certificate.
class Script {
 public:
  Script(const Json& certificate, const Graph& graph) : certificate_(certificate), graph_(graph) {
    text_ = fmt::format(
        "; Written by crease: {}, graph {}.\n; Numbers are exact. unsat: the claim holds. sat: a model is a "
        "counterexample.\n(set-logic QF_LRA)\n",
        certificate.at("kind").get<std::string>(), digest(graph));
  }

  std::string collapse() {
    const Json& claim = certificate_.at("claim");
    Network network(graph_, "n", text_);
    std::vector<std::vector<std::string>> sums;
    for (const Json& offset : claim.at("b")) sums.push_back({number(offset)});
    for (const auto& [key, rows] : claim.at("W").items()) {
      const NodeId id = find_node(graph_, key);
      network.set_free(id);
      add_box(network, id);
      expect(rows.is_array() && rows.size() == sums.size(),
             "[smt] no matrix to ask about: got its digest, want its numbers");
      for (size_t o = 0; o < sums.size(); ++o)
        for (size_t i = 0; i < rows.at(o).size(); ++i)
          sums[o].push_back(fmt::format("(* {} {})", number(rows.at(o).at(i)), network.terms(id).at(i).text));
    }
    const auto& sink = network.terms(find_node(graph_, claim.at("sink").get<std::string>()));
    expect(sink.size() == sums.size(), "[smt] wrong claim: got {} numbers for {} elements", sums.size(),
           sink.size());
    std::vector<std::string> differences;
    for (size_t o = 0; o < sums.size(); ++o)
      differences.push_back(fmt::format("(not (= {} {}))", sink[o].text, sum_of(sums[o])));
    return ask(differences);
  }

  std::string units() {
    Network network(graph_, "n", text_);
    for (const NodeId id : graph_.inputs()) {
      network.set_free(id);
      add_box(network, id);
    }
    std::vector<std::string> violations;
    for (const auto& [unit, verdict] : certificate_.at("claim").at("units").items()) {
      if (verdict == "ATOM") continue;
      const auto open = unit.rfind('[');
      expect(open != std::string::npos && unit.ends_with(']'), "[smt] not a unit: got '{}'", unit);
      const NodeId id = find_node(graph_, unit.substr(0, open));
      const auto element = static_cast<size_t>(std::stoul(unit.substr(open + 1)));
      const auto& operands = graph_.node(id).operands;
      const bool is_map = operands.size() == 1 && is_elementwise(graph_.node(id).loops);
      expect(is_map, "[smt] not a unit of one argument: got {}", describe(graph_, id));
      expect(verdict == "DEAD" || verdict == "ACTIVE",
             "[smt] not ACTIVE, DEAD or ATOM: got {} of '{}', which a normal form decides", verdict.dump(),
             unit);
      const auto table = piecewise_linear(graph_.node(id).op->body.expression);
      const bool bends_at_0 = table && table->knots.size() == 1 && table->knots[0].at.is_zero();
      expect(bends_at_0, "[smt] not a unit that bends at 0 alone: got {}", describe(graph_, id));
      const std::string argument = network.terms(operands[0]).at(element).text;
      violations.push_back(fmt::format("({} {} 0.0)", verdict == "DEAD" ? ">" : "<", argument));
    }
    return ask(violations);
  }

  std::string witness() {
    const Json& witness = certificate_.at("witness");
    const NodeId output = witness.contains("output")
                              ? find_node(graph_, witness.at("output").get<std::string>())
                              : graph_.outputs().front().node;
    std::vector<std::string> values;
    for (const char* key : {"a", "b", "mid"}) {
      Network network(graph_, key, text_);
      size_t next = 0;
      for (const NodeId id : graph_.inputs()) {
        std::vector<Term> point;
        for (int64_t i = 0; i < sample_count(graph_.node(id).shape); ++i)
          point.push_back({{}, number(witness.at(key).at(next++))});
        network.set(id, std::move(point));
      }
      values.push_back(network.terms(output).at(witness.at("output_index").get<size_t>()).text);
    }
    return ask({fmt::format("(= (+ {} {}) (* 2.0 {}))", values[0], values[1], values[2])});
  }

  std::string equivalence(const Graph& other) {
    Network first(graph_, "n", text_), second(other, "m", text_);
    for (const NodeId id : graph_.inputs()) {
      first.set_free(id);
      second.set(other.find(graph_.node(id).name).id(), first.terms(id));
    }
    std::vector<std::string> differences;
    for (const Output& output : graph_.outputs()) {
      const std::vector<Term> a = first.terms(output.node), b = second.terms(other.result(output.name).id());
      for (size_t i = 0; i < a.size(); ++i)
        differences.push_back(fmt::format("(not (= {} {}))", a[i].text, b.at(i).text));
    }
    return ask(differences);
  }

 private:
  static std::string number(const Json& text) { return literal(Rational::parse(text.get<std::string>())); }

  void add_box(Network& network, NodeId id) {
    const std::string key = node_key(graph_, id);
    if (!certificate_.contains("box") || !certificate_.at("box").contains(key)) return;
    const Json& ranges = certificate_.at("box").at(key);
    for (size_t i = 0; i < ranges.size(); ++i)
      text_ += fmt::format("(assert (<= {} {} {}))\n", number(ranges[i].at(0)), network.terms(id).at(i).text,
                           number(ranges[i].at(1)));
  }

  /// The claim fails if any of these holds.
  std::string ask(const std::vector<std::string>& violations) {
    text_ += fmt::format("(assert (or false\n  {}))\n(check-sat)\n", fmt::join(violations, "\n  "));
    return std::move(text_);
  }

  const Json& certificate_;
  const Graph& graph_;
  std::string text_;
};

}  // namespace

std::string smt_claim(std::string_view certificate, const Graph& graph, const Graph* other) {
  const Json json = Json::parse(certificate, nullptr, false);
  const auto field = [&](const char* name) {
    return json.is_object() && json.contains(name) && json.at(name).is_string()
               ? json.at(name).get<std::string>()
               : std::string();
  };
  expect(field("cert") == "graph-cert/1", "[smt] not a certificate: want JSON of format graph-cert/1");
  const std::string kind = field("kind");
  try {
    Script script(json, graph);
    if (kind == "equivalence") {
      expect(other != nullptr, "[smt] one network: got a claim about two, want both");
      return script.equivalence(*other);
    }
    expect(field("graph") == digest(graph), "[smt] the certificate is about another graph");
    if (kind == "affine-collapse") return script.collapse();
    if (kind == "unit-verdicts") return script.units();
    if (kind == "not-affine") return script.witness();
  } catch (const Json::exception& problem) {
    fail("[smt] not a certificate: {}", json_problem(certificate, problem));
  } catch (const std::out_of_range&) {
    fail("[smt] not a certificate: a list is too short");
  } catch (const std::invalid_argument&) {
    fail("[smt] not a certificate: a unit without number");
  }
  fail(
      "[smt] no statement of linear arithmetic: got kind '{}', want affine-collapse, unit-verdicts, "
      "not-affine or equivalence",
      kind);
}

}  // namespace crease
