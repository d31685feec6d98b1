// Curvature and monotonicity of every node: by the rules of composition, and by the normal form.
#include "graph/analysis/normal_form/normal_form.h"
#include "tests/graph/analysis/oracle_facts.h"
#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {
namespace {

/// Whether a proved shape says what is expected, or more.
bool says(FormShape got, const std::string& want) {
  if (want == "constant" || want == "const") return got == FormShape::Constant;
  if (want == "affine") return got == FormShape::Affine || got == FormShape::Constant;
  if (want == "convex") return got == FormShape::Convex || says(got, "affine");
  if (want == "concave") return got == FormShape::Concave || says(got, "affine");
  if (want != "unknown") throw std::invalid_argument("the curvature '" + want + "' is not known");
  return true;
}

/// Whether the truth allows what is claimed of an element of the outputs.
bool is_true(FormShape got, const Json& truth, size_t element) {
  const bool convex = truth.at("convex").at(element), concave = truth.at("concave").at(element);
  switch (got) {
    case FormShape::Constant:
    case FormShape::Affine: return convex && concave;
    case FormShape::Convex: return convex;
    case FormShape::Concave: return concave;
    case FormShape::Unknown: return true;
  }
  return false;
}

}  // namespace

void check_curvature(const Json& expected, const Network& network, Outcome& outcome) {
  const Json& truth = network.json.at("expected").at("class").at("truth");
  for (const std::string& failure :
       test::check_node_facts(network.built, expected, truth.value("all_space", Json())))
    outcome.check(false, "{}", failure);
}

void check_normal_curvature(const Json& expected, const Network& network, Outcome& outcome) {
  const NormalForm normal = normal_form(network.built.graph);
  if (!outcome.check(normal.reason.empty(), "no normal form: {}", normal.reason)) return;
  const Json& truth = network.json.at("expected").at("class").at("truth");
  size_t row = 0;
  for (const Output& output : network.built.graph.outputs()) {
    const std::vector<FormShape> got = shapes_of(normal, output.node);
    const Json& want = expected.at(output.name);
    if (!outcome.check(got.size() == want.size(), "{} has {} elements", output.name, got.size())) return;
    for (size_t e = 0; e < got.size(); ++e, ++row) {
      outcome.check(says(got[e], want[e]), "{}[{}] is {}, want {}", output.name, e, to_string(got[e]),
                    want[e].dump());
      if (truth.contains("all_space"))
        outcome.check(is_true(got[e], truth["all_space"], row), "{}[{}] is wrongly {}", output.name, e,
                      to_string(got[e]));
    }
  }
  outcome.check(expected.size() == network.built.graph.outputs().size(), "{} outputs are expected",
                expected.size());
}

}  // namespace crease::oracle
