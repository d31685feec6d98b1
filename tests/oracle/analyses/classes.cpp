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

void check_class(const Json& expected, const Network& network, const std::string& name, Outcome& outcome) {
  const Shape want = shape_of(expected);
  const Shape got = class_of(network, network.id(name));
  outcome.check(got <= want, "{} is not found {}", name, expected.dump());
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

}  // namespace

void check_nodes(const Json& expected, const Network& network, Outcome& outcome) {
  check_curvature(expected, network, outcome);
  const NormalForm normal = normal_form(network.built.graph);
  for (const auto& [name, node] : expected.items()) {
    for (const auto& [key, value] : node.items()) {
      if (key == "structural") {
        check_class(value, network, name, outcome);
      } else if (key == "poly_degree") {
        if (!value.is_null())
          outcome.check(degree_of(network, normal, network.id(name)) <= value, "{} has degree {}", name,
                        degree_of(network, normal, network.id(name)));
      } else if (key == "pwl") {
        const Piecewise got = network.facts.piecewise[static_cast<size_t>(network.id(name))];
        outcome.check(!value.get<bool>() || got != Piecewise::Other, "{} is not found piecewise linear",
                      name);
      } else {
        outcome.check(key == "curvature" || key == "monotone", "field '{}' is not known", key);
      }
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
  outcome.check(live <= expected, "{} live relus, want {}", live, expected.dump());
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
  outcome.check(a + b - 2 * middle == number(expected.at("defect")), "the defect differs");
  bool refuted = false;
  for (const Finding& finding : linearity_findings(graph))
    if (finding.id == "affine" && finding.verdict == Verdict::Refuted)
      refuted |= finding.certificate && check(*finding.certificate, graph).accepted;
  outcome.check(refuted, "no witness against affine-ness is found");
}

}  // namespace crease::oracle
