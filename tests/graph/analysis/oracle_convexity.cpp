#include <fmt/format.h>

#include "graph/analysis/convexity.h"
#include "graph/analysis/linearity.h"
#include "tests/graph/analysis/oracle_facts.h"

namespace crease::test {
namespace {

using Json = nlohmann::json;

/// Whether the oracle has this word, or sign.
bool is_curvature(const std::string& word) {
  return word == "const" || word == "affine" || word == "convex" || word == "concave" || word == "unknown";
}
bool is_sign(char sign) { return sign == '+' || sign == '-' || sign == '0' || sign == '?'; }

/// Whether we say at least what the rules are expected to prove: never a flag more.
bool proves_curvature(const Curve& curve, const std::string& expected) {
  if (expected == "const") return curve.is_constant();
  if (expected == "affine") return curve.is_affine();
  if (expected == "convex") return curve.is_convex();
  return expected != "concave" || curve.is_concave();
}

bool proves_sign(char got, char expected) { return expected == '?' || got == expected || got == '0'; }

/// The bits of all input elements in the order in which the oracle writes signs.
std::vector<uint64_t> input_bits(const OracleNetwork& network, const Convexity& facts) {
  std::vector<uint64_t> bits;
  for (const NodeId input : network.graph.inputs())
    for (int64_t i = 0; i < element_count(sizes_of(network.graph.node(input).shape)); ++i)
      bits.push_back(facts.bits(input, i));
  return bits;
}

void check_curves(const std::string& name, const Json& expected, const Convexity& facts, NodeId id,
                  const std::vector<uint64_t>& bits, Failures& failures) {
  for (size_t e = 0; e < expected.at("curvature").size(); ++e) {
    const Curve curve = facts.at(id, static_cast<int64_t>(e));
    const auto curvature = expected.at("curvature")[e].get<std::string>();
    if (!is_curvature(curvature) || !proves_curvature(curve, curvature))
      failures.push_back(
          fmt::format("{}[{}] curvature: got {}, want {}", name, e, curvature_name(curve), curvature));
    const auto signs = expected.at("monotone")[e].get<std::string>();
    for (size_t i = 0; i < signs.size(); ++i)
      if (const char got = monotone_sign(curve, bits.at(i));
          !is_sign(signs[i]) || !proves_sign(got, signs[i]))
        failures.push_back(fmt::format("{}[{}] in input {}: got {}, want {}", name, e, i, got, signs[i]));
  }
}

void check_truth(const OracleNetwork& network, const Convexity& facts, const Json& truth,
                 const std::vector<uint64_t>& bits, Failures& failures) {
  size_t row = 0;
  for (const Output& output : network.graph.outputs())
    for (int64_t e = 0; e < element_count(sizes_of(network.graph.node(output.node).shape)); ++e, ++row) {
      const Curve curve = facts.at(output.node, e);
      const std::string where = fmt::format("output {}[{}]", output.name, e);
      if (truth.at("convex")[row] == false && curve.is_convex())
        failures.push_back(where + ": proved convex, but it is not");
      if (truth.at("concave")[row] == false && curve.is_concave())
        failures.push_back(where + ": proved concave, but it is not");
      for (size_t i = 0; i < truth.at("monotone")[row].size(); ++i) {
        const auto real = truth["monotone"][row][i].get<std::string>();
        const char got = monotone_sign(curve, bits.at(i));
        const bool wrong = (got == '+' && real == "nonincreasing") ||
                           (got == '-' && real == "nondecreasing") || (got != '?' && real == "neither") ||
                           (got == '0' && real != "constant");
        if (wrong) failures.push_back(fmt::format("{} in input {}: got {}, truth {}", where, i, got, real));
      }
    }
}

}  // namespace

Failures check_node_facts(const OracleNetwork& network, const Json& nodes, const Json& truth) {
  Failures failures;
  const Convexity facts(network.graph);
  const Linearity linear = linearity(network.graph);
  const std::vector<uint64_t> bits = input_bits(network, facts);
  for (const auto& [name, expected] : nodes.items()) {
    const NodeId id = network.values.at(name).id();
    Degree degree = 0;
    for (const NodeId input : network.graph.inputs()) degree = std::max(degree, linear.degree(id, input));
    // What the rules of composition find constant or affine for these parameters.
    const Curve curve = facts.any(id);
    if (curve.is_affine()) degree = std::min<Degree>(degree, curve.is_constant() ? 0 : 1);
    const bool polynomial = !expected.at("poly_degree").is_null();
    if (polynomial && degree > expected["poly_degree"].get<int>())
      failures.push_back(
          fmt::format("{} degree: got {}, want {}", name, degree, expected["poly_degree"].dump()));
    const Piecewise piecewise = linear.piecewise[static_cast<size_t>(id)];
    if (expected.at("pwl") == true && piecewise > Piecewise::Continuous)
      failures.push_back(fmt::format("{} pwl: got {}", name, to_string(piecewise)));
    check_curves(name, expected, facts, id, bits, failures);
  }
  if (!truth.is_null()) check_truth(network, facts, truth, bits, failures);
  return failures;
}

}  // namespace crease::test
