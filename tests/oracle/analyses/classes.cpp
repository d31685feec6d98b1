// "class": what every value is as a function of the inputs. The engine may prove more than the file's rules,
// never what its truth contradicts.
#include "graph/analysis/check.h"
#include "graph/analysis/exact.h"
#include "graph/analysis/normal_form/normal_form.h"
#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {
namespace {

/// Nodes by what the form over all inputs is.
enum class Shape { Constant, Linear, Affine, NonAffine };

Shape shape_of(const std::string& name) {
  if (name == "constant") return Shape::Constant;
  if (name == "linear") return Shape::Linear;
  if (name == "affine") return Shape::Affine;
  if (name == "nonaffine") return Shape::NonAffine;
  throw std::invalid_argument("the class '" + name + "' is not known");
}

bool is_affine_in_inputs(const Network& network, NodeId id) {
  for (const NodeId input : network.built.graph.inputs())
    if (network.facts.degree(id, input) > 1) return false;
  return true;
}

/// The class at these parameters, as far as structure proves it.
Shape class_of(const Network& network, NodeId id) {
  if (!is_affine_in_inputs(network, id)) return Shape::NonAffine;
  const FormOrReason result = affine_form(network.built.graph, network.facts, id);
  if (!result.form) return Shape::Affine;
  bool weighted = false, shifted = false;
  for (const ExactMatrix& weights : result.form->weights) weighted |= weights.rank(1 << 20) > 0;
  for (const Rational& entry : result.form->offset) shifted |= !entry.is_zero();
  return !weighted ? Shape::Constant : shifted ? Shape::Affine : Shape::Linear;
}

/// Constant, linear and affine are exact; more than the file says can be found of what it calls not affine.
void check_class(const Json& expected, const Network& network, const std::string& name, Outcome& outcome) {
  const Shape want = shape_of(expected);
  const Shape got = class_of(network, network.id(name));
  outcome.check(got == want || (want == Shape::NonAffine && got != want), "{} is not found {}", name,
                expected.dump());
}

/// Degree as a polynomial in the inputs: by structure, or at these parameters.
Degree degree_of(const Network& network, const NormalForm& normal, NodeId id) {
  Degree degree = 0;
  for (const NodeId input : network.built.graph.inputs())
    degree = std::max(degree, network.facts.degree(id, input));
  if (!normal.forms.contains(id)) return degree;
  Degree found = 0;
  for (const FormShape shape : shapes_of(normal, id))
    found = std::max<Degree>(found, shape == FormShape::Constant ? 0
                                    : shape == FormShape::Affine ? 1
                                                                 : kNotPolynomial);
  return std::min(degree, found);
}

/// Whether the file's truth says that the outputs are affine.
bool is_truly_affine(const Network& network) {
  const Json& truth = network.json.at("expected").at("class").at("truth");
  return truth.contains("all_space") && truth.at("all_space").value("affine", false);
}

/// Whether a node of the file is, or needs, an operation.
bool needs(const Network& network, const std::string& name, std::string_view operation) {
  for (const Json& node : network.json.at("nodes")) {
    if (node.at("name") != name) continue;
    if (node.at("op") == operation) return true;
    for (const Json& operand : node.at("in"))
      if (needs(network, operand, operation)) return true;
  }
  return false;
}

/// What the file itself says of a node fits together: affine is of degree 0 or 1 and straight, anything else
/// is not, unless it is a function of constants. Its rules do not look through products of matrices.
void check_consistent(const Json& node, const Network& network, const std::string& name, Outcome& outcome) {
  const bool affine = shape_of(node.at("structural")) != Shape::NonAffine;
  const Json& degree = node.at("poly_degree");
  const bool low = degree.is_number() && degree <= 1;
  outcome.check(affine ? low : !low || degree == 0, "{}: structural {} and poly_degree {} disagree", name,
                node.at("structural").dump(), degree.dump());
  if (!affine || needs(network, name, "matmul")) return;
  for (const Json& curvature : node.at("curvature"))
    outcome.check(curvature == "affine" || curvature == "const",
                  "{}: structural {} and curvature {} disagree", name, node.at("structural").dump(),
                  curvature.dump());
}

void check_degree(const Json& expected, const Network& network, const NormalForm& normal,
                  const std::string& name, Outcome& outcome) {
  const Degree got = degree_of(network, normal, network.id(name));
  // Without a degree in the file, cancellation may still leave an affine map.
  outcome.check(expected.is_null() ? got == kNotPolynomial || got <= 1 : got == expected,
                "{} has degree {}, want {}", name, got, expected.dump());
}

/// The file's rules do not look through products of matrices and call jumps not piecewise linear.
void check_pwl(const Json& expected, const Network& network, const std::string& name, Outcome& outcome) {
  const Piecewise got = network.facts.piecewise[static_cast<size_t>(network.id(name))];
  const bool found = got <= Piecewise::Continuous;
  outcome.check(found == expected || (found && needs(network, name, "matmul")),
                "{} is {}found piecewise linear", name, found ? "" : "not ");
}

/// Relus that are shown to keep one sign, which the file's normal form does not look for.
int64_t signs_found(const NormalForm& normal) {
  int64_t count = 0;
  for (const auto& [node, decisions] : normal.decisions)
    for (const UnitDecision& decision : decisions) count += decision.slopes.empty() ? 0 : 1;
  return count;
}

}  // namespace

void check_nodes(const Json& expected, const Network& network, Outcome& outcome) {
  check_curvature(expected, network, outcome);
  const NormalForm normal = normal_form(network.built.graph);
  for (const auto& [name, node] : expected.items()) {
    check_consistent(node, network, name, outcome);
    for (const auto& [key, value] : node.items()) {
      if (key == "structural")
        check_class(value, network, name, outcome);
      else if (key == "poly_degree")
        check_degree(value, network, normal, name, outcome);
      else if (key == "pwl")
        check_pwl(value, network, name, outcome);
      else
        outcome.check(key == "curvature" || key == "monotone", "field '{}' is not known", key);
    }
  }
}

void check_outputs(const Json& expected, const Network& network, Outcome& outcome) {
  for (const auto& [name, value] : expected.items()) {
    check_class(value, network, name, outcome);
    const bool affine = is_affine_in_inputs(network, network.id(name));
    outcome.check(!affine || value != "nonaffine" || is_truly_affine(network), "{} is wrongly found affine",
                  name);
  }
}

void check_normal_form(const Json& expected, const Network& network, Outcome& outcome) {
  const NormalForm normal = normal_form(network.built.graph);
  for (const auto& [name, value] : expected.items()) {
    bool affine = true;
    if (normal.reason.empty())
      for (const FormShape shape : shapes_of(normal, network.id(name)))
        affine &= shape == FormShape::Affine || shape == FormShape::Constant;
    affine &= normal.reason.empty() || is_affine_in_inputs(network, network.id(name));
    outcome.check(affine == value.get<bool>(), "{} is {}affine by its normal form", name,
                  affine ? "" : "not ");
  }
}

void check_live_relus(const Json& expected, const Network& network, Outcome& outcome) {
  const Graph& graph = network.built.graph;
  const NormalForm normal = normal_form(graph);
  const int64_t live = normal.live_relus(graph);
  outcome.check(live <= expected && live + signs_found(normal) >= expected.get<int64_t>(),
                "{} live relus, want {}", live, expected.dump());
  const CheckResult checked = check(units_certificate(graph, normal), graph);
  outcome.check(checked.accepted, "certificate refused: {}", checked.reason);
}

void check_degrees(const Json& expected, const Network& network, Outcome& outcome) {
  for (const auto& [output, degrees] : expected.items())
    for (const auto& [variable, want] : degrees.items()) {
      const NodeId id = network.built.graph.find(variable).id();
      const Degree got = network.facts.degree(network.id(output), id);
      outcome.check(want.is_null() ? got == kNotPolynomial : got == want, "{} has degree {} in {}, want {}",
                    output, got, variable, want.dump());
    }
}

void check_witness(const Json& expected, const Network& network, Outcome& outcome) {
  if (expected.is_null()) return;
  const Graph& graph = network.built.graph;
  const auto value_at = [&](const char* point) {
    const auto values = network.outputs_at(graph, network.inputs_at(expected.at(point)));
    return values.value().at(expected.at("output_index").get<size_t>());
  };
  const Rational a = value_at("a"), b = value_at("b"), middle = value_at("mid");
  outcome.check(a == number(expected.at("f_a")) && b == number(expected.at("f_b")) &&
                    middle == number(expected.at("f_mid")),
                "values are {}, {} and {}", to_string(a), to_string(b), to_string(middle));
  const std::vector<Rational> from = numbers(expected.at("a")), to = numbers(expected.at("b")),
                              half = numbers(expected.at("mid"));
  for (size_t i = 0; i < from.size(); ++i)
    outcome.check(from[i] + to.at(i) == 2 * half.at(i), "mid is not in the middle of a and b");
  outcome.check(a + b - 2 * middle == number(expected.at("defect")), "the defect differs");
  bool refuted = false;
  for (const Finding& finding : linearity_findings(graph))
    if (finding.id == "affine" && finding.verdict == Verdict::Refuted)
      refuted |= finding.certificate && check(*finding.certificate, graph).accepted;
  outcome.check(refuted, "no witness against affine-ness is found");
}

}  // namespace crease::oracle
