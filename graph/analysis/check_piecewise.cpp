// Replays proofs about piecewise linear networks: forwards, every element as an affine form of atoms. Steps
// say of each relu whether it is its argument, 0, a new atom, or a multiple of an earlier atom; each of these
// is checked by itself.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/check_bound.h"
#include "graph/analysis/check_fields.h"
#include "graph/analysis/check_kinds.h"
#include "graph/analysis/check_nearly.h"
#include "graph/error.h"

namespace crease::checker {

namespace {

using Json = nlohmann::json;

std::optional<Rational> end_of(const Json& text) {
  const std::string number = text.get<std::string>();
  if (number == "inf" || number == "-inf") return {};
  return Rational::parse(number);
}

BoundProof proof_of(const Json& json) {
  require_fields(json, {"eliminate", "upper", "lower"}, {});
  BoundProof proof{.eliminate = json.at("eliminate").get<std::vector<std::string>>()};
  for (const auto& [name, line] : json.at("upper").items()) {
    const std::vector<Rational> ends = numbers(line);
    if (ends.size() != 2) throw Refused("the upper line of " + name + " is not a slope and an offset");
    proof.upper[name] = {ends[0], ends[1]};
  }
  for (const auto& [name, slope] : json.at("lower").items())
    proof.lower[name] = Rational::parse(slope.get<std::string>());
  return proof;
}

class Replay {
 public:
  /// `approximate`: steps may say NEAR too, and units need no proof of an interval that takes no lines.
  Replay(const Json& certificate, const Graph& graph, std::set<NodeId> frontier, bool approximate = false)
      : graph_(graph), frontier_(std::move(frontier)), approximate_(approximate) {
    if (certificate.contains("box")) read_box(certificate.at("box"));
  }

  void run(const Json& steps) {
    for (const Json& step : steps) {
      const std::string rule = step.at("rule").get<std::string>();
      const NodeId id = find_node(graph_, step.at("node").get<std::string>());
      try {
        if (rule == "AFFINE")
          affine(step, id);
        else if (rule == "BOUND")
          bound(step, id);
        else if (rule == "RELU")
          relu(step, id);
        else if (rule == "ENCLOSE" && approximate_)
          enclose(step, id);
        else if (rule == "NEARLY" && approximate_)
          nearly(step, id);
        else
          throw Refused("rule '" + rule + "' is not known");
      } catch (const Refused& refused) {
        throw Refused(describe(graph_, id) + ": " + refused.what());
      }
    }
  }

  const std::vector<Form>& forms(NodeId id) const {
    const auto found = forms_.find(id);
    if (found == forms_.end()) throw Refused("no step for " + describe(graph_, id));
    return found->second;
  }

  /// Relus that steps left open.
  std::map<Atom, Form> open_relus() const {
    std::map<Atom, Form> result;
    for (const auto& [atom, relu] : relus_) result.emplace(atom, relu.argument);
    return result;
  }

  /// The greatest magnitude of a form on the box. Errors: Refused if it has no bound.
  Rational magnitude(const Form& form) const {
    const auto low = plain_end(form, End::Low, known()), high = plain_end(form, End::High, known());
    if (!low || !high) throw Refused("a difference has no bound on the box");
    return std::max(low->abs(), high->abs());
  }

  /// Compares "ACTIVE", "DEAD", "ATOM" or ["SAME", atom, factor] with what a step decided of a unit.
  void compare_unit(const std::string& unit, const Json& claimed) const {
    const Atom atom = parse_atom(graph_, unit);
    const auto found = verdicts_.find(atom);
    if (found == verdicts_.end()) throw Refused("no step decides " + unit);
    const auto same = same_.find(atom);
    const bool holds = claimed.is_array() ? same != same_.end() && same->second == reference(claimed)
                                          : claimed == found->second;
    if (!holds)
      throw Refused(fmt::format("{} is {}, the certificate claims {}", unit, found->second, claimed.dump()));
  }

 private:
  void read_box(const Json& box) {
    for (const auto& [name, ranges] : box.items()) {
      const NodeId id = node_of_key(graph_, name);
      if (graph_.node(id).role != Role::Input) throw Refused(name + " is not an input");
      std::vector<Interval>& intervals = box_[id];
      for (const Json& range : ranges) {
        const std::vector<Rational> ends = numbers(range);
        if (ends.size() != 2 || ends[1] < ends[0]) throw Refused("the box of " + name + " is empty");
        intervals.push_back({ends[0], ends[1]});
      }
      if (static_cast<int64_t>(intervals.size()) != sample_size(graph_.node(id).shape))
        throw Refused("the box of " + name + " has another number of elements");
    }
  }

  Known known() const {
    return {relus_, [this](const Atom& atom) {
              if (const auto error = errors_.find(atom); error != errors_.end())
                return Interval{-error->second, error->second};
              const auto found = box_.find(atom.node);
              return found == box_.end() ? Interval{} : found->second[static_cast<size_t>(atom.element)];
            }};
  }

  /// Makes sure that a step may be taken now, and once.
  void begin(NodeId id) {
    if (graph_.node(id).role != Role::Apply) throw Refused("is no operation");
    if (frontier_.contains(id)) throw Refused("is both a step and in the frontier");
    if (forms_.contains(id)) throw Refused("has two steps");
    require_separate_samples(graph_, id);
  }

  Form operand(NodeId id, int64_t element) {
    if (enclosed_.contains(id)) throw Refused("reads numbers that are not exact");
    if (frontier_.contains(id) || graph_.node(id).role == Role::Input) return {{{{id, element, 0}, 1}}, 0};
    if (!forms_.contains(id)) {
      const Role role = graph_.node(id).role;
      if (role != Role::Parameter && role != Role::Constant)
        throw Refused("no step before it is used for " + describe(graph_, id));
      set_constant(id);
    }
    return forms_.at(id)[static_cast<size_t>(element)];
  }

  /// A node without data.
  void set_constant(NodeId id) {
    for (const NodeId from : graph_.node(id).operands)
      if (enclosed_.contains(from)) throw Refused("reads numbers that are not exact");
    values_[id] = values_of(graph_, id, values_);
    for (const Rational& value : values_.at(id)) forms_[id].push_back({{}, value});
  }

  bool is_constant(NodeId id) {
    const Role role = graph_.node(id).role;
    if (!values_.contains(id) && (role == Role::Parameter || role == Role::Constant)) set_constant(id);
    return values_.contains(id);
  }

  std::vector<Form> forms_with(NodeId id, const Units& units) {
    const auto read = [this](NodeId from, int64_t element) { return operand(from, element); };
    const auto varies = [this](NodeId from) { return !is_constant(from) || frontier_.contains(from); };
    return forms_of(graph_, id, read, varies, units);
  }

  void affine(const Json& step, NodeId id) {
    require_fields(step, {"rule", "node"}, {});
    begin(id);
    const auto constant = [this](NodeId from) { return is_constant(from) && !frontier_.contains(from); };
    if (std::ranges::all_of(graph_.node(id).operands, constant)) return set_constant(id);
    const Units none{.relu = [](const Form&, int64_t) -> Form { throw Refused("is not affine"); },
                     .call = [](const Scalar&, const std::vector<Form>&, int64_t) -> Form {
                       throw Refused("is not affine");
                     }};
    forms_[id] = forms_with(id, none);
  }

  /// A node without data whose elements are not rational: the middles of enclosures stand for them.
  void enclose(const Json& step, NodeId id) {
    require_fields(step, {"rule", "node"}, {});
    begin(id);
    EnclosedValues known;
    for (const NodeId from : graph_.node(id).operands) {
      if (!is_constant(from)) throw Refused("depends on the data");
      known[from] = enclosures_of(from);
    }
    enclosed_[id] = enclosed_node(graph_, id, known);
    for (const Enclosure& element : enclosed_.at(id)) {
      values_[id].push_back(middle(element));
      forms_[id].push_back({{}, values_.at(id).back()});
    }
  }

  std::vector<Enclosure> enclosures_of(NodeId constant) const {
    if (const auto found = enclosed_.find(constant); found != enclosed_.end()) return found->second;
    std::vector<Enclosure> result;
    for (const Rational& value : values_.at(constant)) result.push_back({value, value});
    return result;
  }

  /// A map that is affine in one operand, the others being constant but perhaps not exact: a line in the
  /// middle, and an atom for what it is off by.
  void nearly(const Json& step, NodeId id) {
    require_fields(step, {"rule", "node"}, {});
    begin(id);
    const Node& node = graph_.node(id);
    std::vector<std::vector<Enclosure>> constants;
    std::vector<bool> data;
    for (const NodeId from : node.operands) {
      if (frontier_.contains(from)) throw Refused("reads the frontier");
      data.push_back(!is_constant(from));
      constants.push_back(data.back() ? std::vector<Enclosure>() : enclosures_of(from));
    }
    if (node.op->combine != Combine::Assign || std::ranges::count(data, true) != 1)
      throw Refused("is no map of one operand");
    varies(node.op->body.expression, data);  // or refused
    const auto varying = static_cast<size_t>(std::ranges::find(data, true) - data.begin());
    std::vector<Form> forms(static_cast<size_t>(sample_size(node.shape)));
    std::vector<Enclosure> arguments(node.operands.size());
    visit_points(graph_, id, [&](const Touch& touch) {
      for (size_t k = 0; k < arguments.size(); ++k)
        if (k != varying) arguments[k] = constants[k][static_cast<size_t>(touch.reads[k])];
      const Form x = operand(node.operands[varying], touch.reads[varying]);
      const NearLine line = near_line(node.op->body.expression, varying, arguments, touch.labels);
      const Atom atom{id, touch.write, 0};
      errors_[atom] = line.slope_error * magnitude(x) + line.offset_error;
      Form& form = forms[static_cast<size_t>(touch.write)];
      if (form != Form{}) throw Refused("two loop points assign one element");
      form = scaled(x, line.slope);
      form.constant += line.offset;
      form.terms[atom] = 1;
    });
    forms_[id] = std::move(forms);
  }

  /// The arguments of all relus of a node, each relu being an atom for those after it.
  const std::map<Atom, Form>& arguments(NodeId id) {
    auto [place, fresh] = arguments_.try_emplace(id);
    if (!fresh) return place->second;
    std::map<int64_t, int> parts;
    const auto relu = [&](const Form& argument, int64_t element) {
      const Atom atom{id, element, parts[element]++};
      place->second[atom] = argument;
      return Form{{{atom, 1}}, 0};
    };
    const auto call = [&](const Scalar&, const std::vector<Form>&, int64_t element) {
      return Form{{{{id, element, parts[element]++}, 1}}, 0};
    };
    forms_with(id, {relu, call});
    return place->second;
  }

  void bound(const Json& step, NodeId id) {
    require_fields(step, {"rule", "node", "index", "l", "u", "lower_proof", "upper_proof"}, {"part"});
    if (forms_.contains(id)) throw Refused("a bound after its step");
    require_separate_samples(graph_, id);
    const Atom atom{id, step.at("index").get<int64_t>(), step.value("part", 0)};
    const auto found = arguments(id).find(atom);
    if (found == arguments(id).end()) throw Refused("no unit " + to_string(graph_, atom));
    const Interval claimed = proved_interval(step, found->second, atom);
    if (!relus_.try_emplace(atom, ReluAtom{found->second, claimed}).second)
      throw Refused("two bounds for " + to_string(graph_, atom));
  }

  /// The interval that "l" and "u" claim for a form.
  Interval proved_interval(const Json& step, const Form& form, const Atom& atom) const {
    Interval claimed{end_of(step.at("l")), end_of(step.at("u"))};
    for (const End end : {End::Low, End::High}) {
      const char* key = end == End::Low ? "lower_proof" : "upper_proof";
      const auto proved = proved_end(graph_, form, end, proof_of(step.at(key)), known());
      const auto& wanted = end == End::Low ? claimed.low : claimed.high;
      if (wanted && (!proved || (end == End::Low ? *proved < *wanted : *wanted < *proved)))
        throw Refused(fmt::format("the {} bound of {} is {}, the certificate claims {}",
                                  end == End::Low ? "lower" : "upper", to_string(graph_, atom),
                                  proved ? to_string(*proved) : "infinite", to_string(*wanted)));
    }
    return claimed;
  }

  void relu(const Json& step, NodeId id) {
    require_fields(step, {"rule", "node", "elements"}, {});
    begin(id);
    const Json& elements = step.at("elements");
    std::map<int64_t, int> parts;
    size_t next = 0;
    const auto take = [&]() -> const Json& {
      if (next == elements.size()) throw Refused("has too few elements");
      return elements.at(next++);
    };
    const auto relu_of = [&](const Form& argument, int64_t element) {
      return decided(take(), argument, {id, element, parts[element]++});
    };
    const auto call_of = [&](const Scalar& body, const std::vector<Form>& arguments, int64_t element) {
      return called(take(), body, arguments, {id, element, parts[element]++});
    };
    std::vector<Form> forms = forms_with(id, {relu_of, call_of});
    if (next != elements.size()) throw Refused("has too many elements");
    forms_[id] = std::move(forms);
  }

  Form decided(const Json& element, const Form& argument, const Atom& atom) {
    if (element.is_object()) {
      require_fields(element, {"is", "l", "u", "lower_proof", "upper_proof"}, {});
      if (element.at("is").is_object()) throw Refused("a proof of an interval holds another");
      relus_[atom] = {argument, proved_interval(element, argument, atom)};
      return decided(element.at("is"), argument, atom);
    }
    const auto found = relus_.find(atom);
    const Interval range = found == relus_.end() ? Interval{} : found->second.range;
    const std::string name = to_string(graph_, atom);
    if (element.is_array() && approximate_ && element.at(0) == "NEAR") return near(element, argument, atom);
    if (element.is_array()) {
      verdicts_[atom] = "ATOM";
      same_[atom] = reference(element);
      return multiple(element, argument, name);
    }
    const std::string kind = verdicts_[atom] = element.get<std::string>();
    const auto low = range.low ? range.low : plain_end(argument, End::Low, known());
    const auto high = range.high ? range.high : plain_end(argument, End::High, known());
    if (kind == "ACTIVE") {
      if (!low || low->sign() < 0) throw Refused(name + " is not proved active");
      return argument;
    }
    if (kind == "DEAD") {
      if (!high || high->sign() > 0) throw Refused(name + " is not proved dead");
      return {};
    }
    if (kind != "ATOM") throw Refused("'" + kind + "' is not known");
    relus_[atom] = {argument, approximate_ ? shortened({low, high}) : range};
    return {{{atom, 1}}, 0};
  }

  /// ["NEAR", atom, error]: the argument is within the error of an earlier one on the box, and so are both
  /// relus: the other atom, and this one as an error.
  Form near(const Json& element, const Form& argument, const Atom& atom) {
    if (element.size() != 3) throw Refused("an element of unknown form");
    const Atom other = parse_atom(graph_, element.at(1).get<std::string>());
    const Rational error = Rational::parse(element.at(2).get<std::string>());
    Form difference = argument;
    add(difference, open_atom(other).argument, -1);
    if (const Rational apart = magnitude(difference); apart > error || is_loose(error, apart))
      throw Refused(fmt::format("{} is not within {} of {}", to_string(graph_, atom),
                                element.at(2).get<std::string>(), to_string(graph_, other)));
    verdicts_[atom] = "NEAR";
    relus_.erase(atom);
    errors_[atom] = error;
    return {{{other, 1}, {atom, 1}}, 0};
  }

  /// An earlier relu that is an atom. Errors: Refused if it is none.
  const ReluAtom& open_atom(const Atom& other) const {
    const auto found = relus_.find(other);
    const bool is_atom = found != relus_.end() && verdicts_.contains(other) && !same_.contains(other) &&
                         verdicts_.at(other) == "ATOM";
    if (!is_atom) throw Refused(to_string(graph_, other) + " is no earlier atom");
    return found->second;
  }

  /// ["SAME", atom, factor]: the argument is a multiple of an earlier one. relu(c g) is c relu(g) for c > 0,
  /// and |c| relu(-g) = |c| (relu(g) - g) for c < 0.
  Form multiple(const Json& element, const Form& argument, const std::string& name) const {
    const auto [other, factor] = reference(element);
    const ReluAtom& known_relu = open_atom(other);
    if (factor.is_zero() || argument != scaled(known_relu.argument, factor))
      throw Refused(name + " is not " + to_string(factor) + " times " + to_string(graph_, other));
    Form result{{{other, factor.abs()}}, 0};
    if (factor.sign() < 0) add(result, known_relu.argument, factor);
    return result;
  }

  /// A function that is no relu: "ATOM", or ["SAME", atom, "1"] for equal arguments of the same function, or
  /// "-1" for opposite ones if it is odd.
  Form called(const Json& element, const Scalar& body, const std::vector<Form>& arguments, const Atom& atom) {
    verdicts_[atom] = "ATOM";
    if (!element.is_array()) {
      if (element != "ATOM") throw Refused(to_string(graph_, atom) + " is no relu");
      calls_.emplace(atom, Call{body, arguments});
      return {{{atom, 1}}, 0};
    }
    const auto [other, factor] = same_[atom] = reference(element);
    const auto found = calls_.find(other);
    if (found == calls_.end() || !found->second.body.same(body))
      throw Refused(to_string(graph_, other) + " is no earlier atom of the same function");
    if (factor.abs() != 1 || (factor == -1 && !(is_odd(body) && arguments.size() == 1)))
      throw Refused(to_string(graph_, atom) + " cannot be this multiple");
    for (size_t k = 0; k < arguments.size(); ++k)
      if (arguments[k] != scaled(found->second.arguments[k], factor))
        throw Refused(to_string(graph_, atom) + " has another argument than " + to_string(graph_, other));
    return {{{other, factor}}, 0};
  }

  std::pair<Atom, Rational> reference(const Json& element) const {
    if (element.size() != 3 || element.at(0) != "SAME") throw Refused("an element of unknown form");
    return {parse_atom(graph_, element.at(1).get<std::string>()),
            Rational::parse(element.at(2).get<std::string>())};
  }

  struct Call {
    Scalar body;
    std::vector<Form> arguments;
  };

  const Graph& graph_;
  const std::set<NodeId> frontier_;
  const bool approximate_;
  std::map<NodeId, std::vector<Interval>> box_;
  std::map<NodeId, std::vector<Form>> forms_;
  std::map<NodeId, std::vector<Rational>> values_;  // of nodes without data
  std::map<NodeId, std::map<Atom, Form>> arguments_;
  std::map<Atom, ReluAtom> relus_;
  std::map<Atom, Rational> errors_;                    // atoms that are within this of 0
  std::map<NodeId, std::vector<Enclosure>> enclosed_;  // of nodes whose values are middles
  std::map<Atom, Call> calls_;
  std::map<Atom, std::pair<Atom, Rational>> same_;
  std::map<Atom, std::string> verdicts_;
};

}  // namespace

std::string check_piecewise_collapse(const Json& certificate, const Graph& graph) {
  const Json& claim = certificate.at("claim");
  const std::set<NodeId> frontier = frontier_of(claim, graph);
  Replay replay(certificate, graph, frontier);
  replay.run(certificate.at("steps"));
  const NodeId sink = find_node(graph, claim.at("sink").get<std::string>());
  compare_forms(graph, replay.forms(sink), claim);
  return spoken(graph, sink) + " is the claimed affine map of its frontier" +
         (certificate.contains("box") ? " on the box" : "");
}

Replayed replayed_forms(const Json& certificate, const Graph& graph, const std::vector<NodeId>& sinks) {
  Replay replay(certificate, graph, frontier_of(certificate, graph));
  replay.run(certificate.at("steps"));
  Replayed result{.sinks = {}, .relus = replay.open_relus()};
  for (const NodeId sink : sinks)
    for (const Form& form : replay.forms(sink)) result.sinks.push_back(form);
  return result;
}

std::vector<std::vector<Rational>> replayed_magnitudes(const Json& certificate, const Graph& graph,
                                                       const std::vector<NodeId>& sinks) {
  Replay replay(certificate, graph, frontier_of(certificate, graph), true);
  replay.run(certificate.at("steps"));
  std::vector<std::vector<Rational>> result;
  for (const NodeId sink : sinks) {
    result.emplace_back();
    for (const Form& form : replay.forms(sink)) result.back().push_back(replay.magnitude(form));
  }
  return result;
}

std::string check_units(const Json& certificate, const Graph& graph) {
  require_fields(certificate, {"cert", "kind", "graph", "semantics", "claim", "steps"}, {"box"});
  require_fields(certificate.at("claim"), {"units"}, {"frontier"});
  const bool has_frontier = certificate.at("claim").contains("frontier");
  Replay replay(certificate, graph,
                has_frontier ? frontier_of(certificate.at("claim"), graph) : std::set<NodeId>());
  replay.run(certificate.at("steps"));
  const Json& units = certificate.at("claim").at("units");
  for (const auto& [unit, claimed] : units.items()) {
    replay.compare_unit(unit, claimed);
  }
  return fmt::format("{} units are as claimed", units.size()) +
         (certificate.contains("box") ? " on the box" : "");
}

}  // namespace crease::checker
