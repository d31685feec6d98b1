// pairs: whether two networks are equal, how, and at which input they are not.
#include <fmt/format.h>

#include "graph/analysis/check.h"
#include "graph/analysis/equivalence/equivalence.h"
#include "graph/analysis/exact.h"
#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {
namespace {

std::string verdict_of(const Equivalence& found) {
  if (found.verdict == Verdict::Refuted) return "different";
  if (found.verdict == Verdict::Unknown) return "unknown";
  switch (found.relation) {
    case Relation::SameOrbit: return "equal-same-orbit";
    case Relation::OtherOrbit: return "equal-different-orbit";
    case Relation::DifferentArchitecture: return "equal-different-architecture";
  }
  return "";
}

/// The given witness: both networks have the values that it says.
std::string check_witness(const Json& witness, const char* which, const test::OracleNetwork& network) {
  std::map<NodeId, ExactValues> inputs;
  for (const NodeId id : network.graph.inputs())
    inputs[id] = numbers(witness.at(network.graph.node(id).name));
  const NodeId output = network.graph.outputs().front().node;
  const auto values = evaluate_exactly(network.graph, inputs, std::span(&output, 1));
  if (!values || values->at(output) != numbers(witness.at(which)))
    return fmt::format("{} has another value at the given witness", which);
  return {};
}

/// Permutations and factors of the hidden layers, in order.
std::string check_layers(const Json& wanted, const Equivalence& found) {
  Json permutations = Json::array(), scales = Json::array();
  for (const LayerMatch& layer : found.layers) {
    permutations.push_back(layer.permutation);
    Json scale = Json::array();
    for (const Rational& factor : layer.scale) scale.push_back(to_string(factor));
    scales.push_back(scale);
  }
  if (permutations != wanted.at("perm"))
    return fmt::format("the permutations are {}, want {}", permutations.dump(), wanted.at("perm").dump());
  if (wanted.contains("scale") && scales != wanted.at("scale"))
    return fmt::format("the factors are {}, want {}", scales.dump(), wanted.at("scale").dump());
  if (!wanted.contains("sign")) return {};
  Json signs = Json::array();
  for (const Json& layer : wanted.at("sign")) {
    Json texts = Json::array();
    for (const Json& sign : layer) texts.push_back(sign.is_string() ? sign : Json(sign.dump()));
    signs.push_back(texts);
  }
  if (scales != signs) return fmt::format("the signs are {}, want {}", scales.dump(), signs.dump());
  return {};
}

std::string problem_of(const Json& pair) {
  const test::OracleNetwork a = test::build_network(pair.at("a")), b = test::build_network(pair.at("b"));
  const Equivalence found = equivalent(a.graph, b.graph);
  const Json& wanted = pair.contains("expected_verdict") ? pair.at("expected_verdict") : pair.at("verdict");
  // Truth, and what has to be proved of it, if that is less or needs more than exact arithmetic.
  const Json& truth = pair.at("verdict");
  if (wanted != truth && wanted != "unknown" && truth != "structural-only")
    return fmt::format("the file has two verdicts, {} and {}", truth.dump(), wanted.dump());
  if (wanted == "unknown" && verdict_of(found) == "unknown") return {};
  if (verdict_of(found) != (wanted == "unknown" ? truth : wanted))
    return fmt::format("the verdict is {} ({}), want {}", verdict_of(found), found.reason, wanted.dump());
  if (!found.certificate) return "there is no certificate";
  const CheckResult judged = check(found.certificate->json, a.graph, b.graph);
  if (!judged.accepted) return "the certificate is refused: " + judged.reason;
  if (!pair.at("witness").is_null())
    for (const auto& [which, network] : {std::pair("a", &a), std::pair("b", &b)})
      if (std::string problem = check_witness(pair.at("witness"), which, *network); !problem.empty())
        return problem;
  return pair.contains("certificate") ? check_layers(pair.at("certificate"), found) : std::string();
}

}  // namespace

void check_pair(const Json& pair, Outcome& outcome) {
  const std::string problem = problem_of(pair);
  outcome.check(problem.empty(), "{}", problem);
}

}  // namespace crease::oracle
