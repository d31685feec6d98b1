#include "tests/oracle/certificates/translate.h"

#include "graph/analysis/certificate.h"
#include "graph/analysis/digest.h"

namespace crease::oracle {

namespace {

/// A step for one operation: AFFINE becomes one for each of its nodes, its weights' own nodes first.
void add_steps(const Json& step, const test::OracleNetwork& network, std::set<NodeId>& done, Json& steps) {
  const std::string name = step.at("node");
  const auto parts = network.parts.find(name);
  if (parts == network.parts.end() || step.at("rule") != "AFFINE") return steps.push_back(step);
  const auto add = [&](NodeId id) {
    Json one = step;
    one["node"] = node_key(network.graph, id);
    steps.push_back(one);
  };
  for (const NodeId id : parts->second)
    for (const NodeId operand : network.graph.node(id).operands)
      for (const std::string& weight : network.parameters) {
        const auto& made = network.parts.at(weight);
        const bool is_mask = std::ranges::find(made, operand) != made.end();
        if (is_mask && done.insert(operand).second) add(operand);
      }
  for (const NodeId id : parts->second) add(id);
}

}  // namespace

std::string digest_of(const Json& network) {
  Json described;
  for (const char* key : {"inputs", "params", "nodes", "outputs"}) described[key] = network.at(key);
  return sha256(described.dump());  // keys in order, no blanks
}

Json translated(const Json& certificate, const test::OracleNetwork& network, const std::string& digest) {
  Json result = certificate;
  if (result.at("graph") == digest) result["graph"] = crease::digest(network.graph);
  if (!result.contains("steps")) return result;
  std::set<NodeId> done;
  Json steps = Json::array();
  for (const Json& step : result.at("steps")) add_steps(step, network, done, steps);
  result["steps"] = steps;
  return result;
}

}  // namespace crease::oracle
