// "box": units, outputs and overflow over a box. Never against what is exact; at least what plain intervals
// prove, and at least what lines prove.
#include "graph/analysis/bounds/range.h"
#include "graph/analysis/bounds/units.h"
#include "graph/analysis/points.h"
#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {
namespace {

BoxAnalysis analysed(const Network& network) {
  InputBox box;
  for (const auto& [name, intervals] : network.json.at("box").items())
    for (const Json& ends : intervals)
      box.inputs[name].push_back({number(ends.at(0)).to_double(), number(ends.at(1)).to_double()});
  return BoxAnalysis(network.built.graph, box);
}

const Json& description(const Network& network, const std::string& name) {
  for (const Json& node : network.json.at("nodes"))
    if (node.at("name") == name) return node;
  throw std::runtime_error("no node " + name);
}

/// The slope of a unit left of 0: an entry of the parameter for prelu.
Rational left_slope(const Network& network, const Json& node, int64_t index) {
  const std::string op = node.at("op");
  if (op == "leaky_relu") return number(node.at("slope"));
  if (op == "prelu")
    for (const Json& parameter : network.json.at("params"))
      if (parameter.at("name") == node.at("in").at(1))
        return number(parameter.at("data").at(static_cast<size_t>(index)));
  return op == "abs" ? -1 : 0;
}

/// A leaky unit of slope 1 is no unit: it is its argument.
bool is_identity(const Network& network, const std::string& name, int64_t index) {
  return left_slope(network, description(network, name), index) == 1;
}

/// A unit of the file as crease has it: hard sigmoid is a clip of alpha x + beta.
Json as_built(const Network& network, Json entry) {
  const Json& node = description(network, entry.at("node"));
  if (node.at("op") != "hard_sigmoid") return entry;
  for (const char* key : {"exact", "ibp", "crown"})
    for (Json& end : entry[key])
      end = to_string(number(node.at("alpha")) * number(end) + number(node.at("beta")));
  return entry;
}

/// Contains `exact`, and lies in every interval that a weaker method proves.
void compare(const ExactInterval& got, const Json& expected, const std::string& what, Outcome& outcome) {
  const std::string text = fmt::format("{}: got [{}, {}]", what, got.low ? to_string(*got.low) : "-inf",
                                       got.high ? to_string(*got.high) : "inf");
  if (const Json& exact = expected.at("exact"); !exact.is_null()) {
    outcome.check(!got.low || *got.low <= number(exact.at(0)), "{}, which leaves out {}", text, exact.dump());
    outcome.check(!got.high || *got.high >= number(exact.at(1)), "{}, which leaves out {}", text,
                  exact.dump());
  }
  for (const char* weaker : {"ibp", "crown"}) {
    const Json& ends = expected.at(weaker);
    if (ends.is_null()) continue;
    outcome.check(got.low && *got.low >= number(ends.at(0)), "{}, weaker than {} {}", text, weaker,
                  ends.dump());
    outcome.check(got.high && *got.high <= number(ends.at(1)), "{}, weaker than {} {}", text, weaker,
                  ends.dump());
  }
}

/// Unit states by the names of the file, which calls relu's 0 and the left piece of others inactive.
std::string verdict_of(UnitState state) {
  switch (state) {
    case UnitState::Dead:
    case UnitState::Inactive: return "inactive";
    case UnitState::SaturatedLeft: return "saturated_left";
    case UnitState::SaturatedRight: return "saturated_right";
    case UnitState::Active: return "active";
    case UnitState::Linear: return "linear";
    case UnitState::Unstable: return "unstable";
  }
  return "";
}

const Unit* find_unit(const std::vector<UnitNode>& nodes, NodeId id, int64_t element) {
  for (const UnitNode& node : nodes)
    for (const Unit& unit : node.units)
      if (node.node == id && unit.element == element) return &unit;
  return nullptr;
}

void check_verdict(const Unit& unit, const Json& expected, const std::string& what, Outcome& outcome) {
  const std::string got = verdict_of(unit.state);
  const Json& verdicts = expected.at("verdict");
  if (verdicts.at("exact").is_string() && got != "unstable")
    outcome.check(got == verdicts.at("exact"), "{}: got {}, exactly {}", what, got,
                  verdicts.at("exact").dump());
  for (const char* weaker : {"ibp", "crown"})
    if (verdicts.at(weaker).is_string() && verdicts.at(weaker) != "unstable")
      outcome.check(got == verdicts.at(weaker), "{}: got {}, {} proves {}", what, got, weaker,
                    verdicts.at(weaker).dump());
}

void check_dead(const Unit& unit, const Json& expected, const std::string& what, Outcome& outcome) {
  if (!expected.contains("dead_value")) return;
  const bool known = unit.interval.low && unit.interval.high &&
                     *unit.interval.low == number(expected.at("exact").at(0)) &&
                     *unit.interval.high == number(expected.at("exact").at(1));
  const auto agree = [&](bool got, const char* key) {
    const bool truth = expected.at(key);
    outcome.check(got ? truth : !(truth && known), "{}: {} got {}, want {}", what, key, got, truth);
  };
  agree(unit.state == UnitState::Dead, "dead_value");
  agree(unit.gradient_dead_left, "dead_gradient_left_rule");
  agree(unit.gradient_dead_right, "dead_gradient_right_rule");
}

}  // namespace

void check_box_units(const Json& expected, const Network& network, Outcome& outcome) {
  const BoxAnalysis box = analysed(network);
  const std::vector<UnitNode> nodes = units_of(box);
  for (const Json& given : expected) {
    const Json entry = as_built(network, given);
    const std::string what =
        fmt::format("{}[{}]", entry.at("node").get<std::string>(), entry.at("index").get<int64_t>());
    const NodeId id = network.id(entry.at("node"));
    if (is_identity(network, given.at("node"), given.at("index"))) {
      compare(box.best(id, given.at("index")), entry, what, outcome);
      continue;
    }
    const Unit* unit = find_unit(nodes, id, entry.at("index"));
    if (!outcome.check(unit != nullptr, "{} is no unit", what)) return;
    compare(unit->interval, entry, what, outcome);
    check_verdict(*unit, entry, what, outcome);
    check_dead(*unit, entry, what, outcome);
  }
}

void check_box_outputs(const Json& expected, const Network& network, Outcome& outcome) {
  const BoxAnalysis box = analysed(network);
  for (const Json& entry : expected) {
    const std::string name = entry.at("node");
    compare(box.best(network.id(name), entry.at("index")), entry, name, outcome);
  }
}

namespace {

/// The file's counts are those of its own verdicts.
void check_tally(const Json& counts, const Json& units, Outcome& outcome) {
  for (const auto& [method, expected] : counts.items()) {
    std::map<std::string, int64_t> tally;
    for (const Json& unit : units)
      if (const Json& verdict = unit.at("verdict").at(method); verdict.is_string()) ++tally[verdict];
    outcome.check(Json(tally) == expected || (tally.empty() && expected.empty()),
                  "{}: {} by the verdicts of units, not {}", method, Json(tally).dump(), expected.dump());
  }
}

}  // namespace

void check_box_counts(const Json& expected, const Network& network, Outcome& outcome) {
  check_tally(expected, network.json.at("expected").at("box").at("units"), outcome);
  const BoxAnalysis box = analysed(network);
  std::map<std::string, int64_t> counts;
  const std::vector<UnitNode> nodes = units_of(box);
  for (const UnitNode& node : nodes)
    for (const Unit& unit : node.units)
      if (!is_identity(network, network.name(node.node), unit.element)) ++counts[verdict_of(unit.state)];
  for (const auto& [state, count] : counts) {
    if (state == "unstable") continue;
    if (!expected.at("exact").empty())
      outcome.check(count <= expected.at("exact").value(state, 0), "{} {}, exactly {}", count, state,
                    expected.at("exact").dump());
  }
  for (const char* weaker : {"ibp", "crown"})
    for (const auto& [state, count] : expected.at(weaker).items())
      if (state != "unstable")
        outcome.check(counts[state] >= count.get<int64_t>(), "{} {}, {} proves {}", counts[state], state,
                      weaker, count.dump());
}

void check_box_magnitudes(const Json& expected, const Network& network, Outcome& outcome) {
  const BoxAnalysis box = analysed(network);
  for (const auto& [name, most] : expected.items()) {
    const double got = greatest_magnitude(box, network.id(name), true);
    outcome.check(Rational::of(got) <= number(most), "{}: got {}, want at most {}", name, got, most.dump());
  }
}

void check_box_exact_magnitudes(const Json& expected, const Network& network, Outcome& outcome) {
  const BoxAnalysis box = analysed(network);
  for (const auto& [name, most] : expected.items()) {
    const double got = greatest_magnitude(box, network.id(name));
    outcome.check(Rational::of(got) >= number(most), "{}: got {}, exactly {}", name, got, most.dump());
  }
}

void check_box_overflow(const Json& expected, const Network& network, Outcome& outcome) {
  const Overflow got = first_possible_overflow(analysed(network), kNumberFormats[0].largest, true);
  const std::string name = got.node < 0 ? "" : network.name(got.node);
  outcome.check(name == (expected.is_null() ? "" : expected.get<std::string>()), "got '{}', want {}", name,
                expected.dump());
}

void check_box_reached(const Json& expected, const Network& network, Outcome& outcome) {
  const Reached got = first_reached_overflow(analysed(network), kNumberFormats[0].largest);
  const std::string name = got.node < 0 ? "" : network.name(got.node);
  outcome.check(name == (expected.is_null() ? "" : expected.get<std::string>()), "got '{}', want {}", name,
                expected.dump());
}

namespace {

/// A form of the file at a point: elements of inputs, and units by name, in `values`.
Rational value_of(const Json& form, const std::map<std::string, Rational>& values) {
  Rational sum = number(form.at("const"));
  for (const auto& [name, coefficient] : form.at("coef").items())
    sum += number(coefficient) * values.at(name);
  return sum;
}

/// The values of our forms at a point, exactly.
Rational value_of(const NormalForm& normal, const Combination& form,
                  const std::map<std::string, Rational>& point, const Graph& graph) {
  Rational sum = form.constant;
  for (const auto& [index, coefficient] : form.terms) {
    const Variable& variable = normal.variables[index];
    if (variable.kind == VariableKind::Leaf) {
      sum += coefficient *
             point.at(fmt::format("{}[{}]", graph.node(variable.name.node).name, variable.name.element));
      continue;
    }
    const Rational argument = value_of(normal, variable.arguments[0], point, graph);
    if (argument.sign() > 0) sum += coefficient * argument;
  }
  return sum;
}

/// What a method leaves of the network is the same function: compared at a point of the box.
void compare_forms(const Json& expected, const NormalForm& normal, const Network& network,
                   const std::map<std::string, Rational>& point, Outcome& outcome) {
  std::map<std::string, Rational> values = point;
  for (const Json& unit : expected.at("live_units")) {
    const Rational argument = value_of(unit.at("pre"), values);
    const std::string name = unit.at("unit");
    const size_t open = name.find('[');
    const Rational slope =
        left_slope(network, description(network, name.substr(0, open)), std::stoll(name.substr(open + 1)));
    values[name] = argument.sign() > 0 ? argument : slope * argument;
  }
  for (const auto& [name, forms] : expected.at("outputs").items())
    for (size_t i = 0; i < forms.size(); ++i) {
      const Rational got = value_of(normal, normal.forms.at(network.id(name))[i], point, network.built.graph);
      const Rational want = value_of(forms[i], values);
      outcome.check(got == want, "{}[{}]: got {}, want {}", name, i, to_string(got), to_string(want));
    }
}

}  // namespace

void check_box_simplified(const Json& expected, const Network& network, Outcome& outcome) {
  const BoxAnalysis box = analysed(network);
  if (!outcome.check(box.exact().has_value(), "no normal form on the box")) return;
  const NormalForm& normal = *box.exact();
  const Graph& graph = network.built.graph;
  const int64_t live = normal.live_relus(graph);
  for (const char* method : {"ibp", "crown"})
    outcome.check(live <= static_cast<int64_t>(expected.at(method).at("live_units").size()),
                  "{} live units, {} leaves {}", live, method, expected.at(method).at("live_units").size());
  for (const auto& [method, forms] : expected.items())
    outcome.check(forms.at("affine") == forms.at("live_units").empty(), "{}: affine with {} live units",
                  method, forms.at("live_units").size());
  // The same function at points of the box.
  for (int sample = 0; sample < 16; ++sample) {
    std::map<std::string, Rational> point;
    int64_t k = 1;
    for (const auto& [name, intervals] : network.json.at("box").items())
      for (size_t i = 0; i < intervals.size(); ++i, ++k) {
        const Rational low = number(intervals[i].at(0)), high = number(intervals[i].at(1));
        point[fmt::format("{}[{}]", name, i)] =
            low + Rational((sample * (2 * k + 5) + 3 * k) % 17, 16) * (high - low);
      }
    for (const auto& [method, forms] : expected.items())
      compare_forms(forms, normal, network, point, outcome);
  }
}

}  // namespace crease::oracle
