// "collapse": every affine sub-graph as an exact affine map, what it costs and whether it pays.
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/check.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {
namespace {

void check_map(const Json& expected, const Network& network, const AffineForm& form, Outcome& outcome) {
  std::set<std::string> frontier;
  for (const NodeId id : form.frontier) frontier.insert(network.name(id));
  if (!outcome.check(frontier == expected.at("frontier").get<std::set<std::string>>(), "frontier is {}",
                     fmt::join(frontier, ", ")))
    return;
  for (size_t k = 0; k < form.frontier.size(); ++k) {
    const std::string name = network.name(form.frontier[k]);
    const ExactMatrix& weights = form.weights[k];
    const Json& block = expected.at("blocks").at(name);
    if (!outcome.check(static_cast<int64_t>(block.size()) == weights.columns(), "blocks: {} rows of {}",
                       weights.columns(), name))
      return;
    for (int64_t o = 0; o < weights.columns(); ++o) {
      const std::vector<Rational> row = numbers(block.at(static_cast<size_t>(o)));
      for (int64_t i = 0; i < weights.rows(); ++i)
        outcome.check(weights.at(i, o) == row.at(static_cast<size_t>(i)), "blocks: {}[{}, {}] is {}", name, o,
                      i, to_string(weights.at(i, o)));
    }
    const int64_t rank = weights.rank(1 << 20);
    outcome.check(rank == expected.at("rank").at(name), "rank of {} is {}", name, rank);
  }
  outcome.check(form.offset == numbers(expected.at("bias")), "bias differs");
}

void check_chain(const Json& expected, const Network& network, const AffineForm& form, Outcome& outcome) {
  const auto chain = chain_plan(network.built.graph, network.facts, form);
  if (!outcome.check(chain.has_value(), "no chain is seen")) return;
  outcome.check(chain->dims == expected.at("dims").get<std::vector<int64_t>>(), "chain: dims are {}",
                fmt::join(chain->dims, ", "));
  outcome.check(chain->multiplications == expected.at("best_mults"), "chain: {} multiplications",
                chain->multiplications);
  outcome.check(chain->keep == expected.at("keep_boundaries").get<std::vector<size_t>>(), "chain: keeps {}",
                fmt::join(chain->keep, ", "));
}

/// How many multiplications the file counts for an operation that is several nodes here, or that it counts in
/// its own way: products of matrices not at all, batch norm and an average one an element.
std::optional<int64_t> count_of(const Json& node, const Network& network) {
  const auto elements = [&](NodeId id) { return sample_count(network.built.graph.node(id).shape); };
  const std::string op = node.at("op");
  if (op == "matmul") return 0;
  if (op == "batchnorm_inf") return elements(network.id(node.at("name")));
  if (op == "global_avgpool") return elements(network.id(node.at("in")[0]));
  return {};
}

/// How many sinks of the file have a node in their affine sub-graph.
std::map<NodeId, int> named_uses(const Network& network) {
  std::map<NodeId, int> uses;
  for (const Json& sink : network.json.at("expected").at("collapse"))
    for (const NodeId id : affine_nodes(network.built.graph, network.facts, network.id(sink.at("sink"))))
      ++uses[id];
  return uses;
}

void check_costs(const Json& expected, const Network& network, const AffineForm& form, Outcome& outcome) {
  const Graph& graph = network.built.graph;
  CollapseCost cost = collapse_cost(graph, network.facts, form);
  // Where an operation of the file has sinks inside, what its operands own is counted anew.
  const std::map<NodeId, int> uses = named_uses(network);
  cost.owned = 0;
  for (const NodeId id : form.nodes)
    if (uses.at(id) == 1) cost.owned += multiplications(graph, network.facts, id);
  const std::set<NodeId> inside(form.nodes.begin(), form.nodes.end());
  bool counted_alike = cost.owned == collapse_cost(graph, network.facts, form).owned;
  for (const Json& node : network.json.at("nodes")) {
    const NodeId id = network.id(node.at("name"));
    const auto count = count_of(node, network);
    if (!count || !inside.contains(id)) continue;
    int64_t ours = 0;
    for (const NodeId part : network.built.parts.at(node.at("name")))
      if (inside.contains(part)) ours += multiplications(graph, network.facts, part);
    counted_alike &= ours == *count;
    cost.before += *count - ours;
    if (uses.at(id) == 1) cost.owned += *count - ours;
  }
  const auto equal = [&](const char* key, int64_t got) {
    outcome.check(expected.at(key) == got, "{}: {} is {}, want {}", expected.at("sink").dump(), key, got,
                  expected.at(key).dump());
  };
  equal("mults_before", cost.before);
  equal("mults_private", cost.owned);
  equal("mults_after_dense", cost.dense);
  if (counted_alike)
    outcome.check(cost.pays() == expected.at("worthwhile_dense"), "{}: worthwhile_dense",
                  expected.at("sink").dump());
}

void check_sink(const Json& expected, const Network& network, Outcome& outcome) {
  static const std::set<std::string> known{
      "sink",         "is_output",     "frontier",          "blocks", "bias",  "affine_nodes",
      "mults_before", "mults_private", "mults_after_dense", "rank",   "chain", "worthwhile_dense"};
  for (const auto& [key, value] : expected.items())
    outcome.check(known.contains(key), "field '{}' is not known", key);
  const auto name = expected.at("sink").get<std::string>();
  const Graph& graph = network.built.graph;
  const FormOrReason result = affine_form(graph, network.facts, network.id(name));
  if (!outcome.check(result.form.has_value(), "{}: {}", name, result.reason)) return;
  const AffineForm& form = *result.form;
  check_map(expected, network, form, outcome);
  const CheckResult checked = check(affine_certificate(graph, form), graph);
  outcome.check(checked.accepted, "{}: certificate refused: {}", name, checked.reason);
  std::set<std::string> affine;
  for (const NodeId id : form.nodes) affine.insert(network.name(id));
  affine.erase("");
  for (const NodeId id : form.frontier) affine.erase(network.name(id));
  for (const Json& node : expected.at("affine_nodes"))
    outcome.check(affine.contains(node), "{}: {} is not in the affine sub-graph", name, node.dump());
  outcome.check(affine.size() == expected.at("affine_nodes").size(), "{}: affine nodes are {}", name,
                fmt::join(affine, ", "));
  bool is_output = false;
  for (const Output& output : graph.outputs()) is_output |= output.node == network.id(name);
  outcome.check(is_output == expected.at("is_output"), "{}: is_output", name);
  check_costs(expected, network, form, outcome);
  if (expected.contains("chain")) check_chain(expected.at("chain"), network, form, outcome);
}

/// The file's name of a sink. One inside an operation that is several nodes here, some of them not affine,
/// stands for the affine operands of that operation.
void add_names(NodeId sink, const Network& network, std::set<std::string>& names) {
  const auto part = [&](NodeId id) { return network.facts.parts[static_cast<size_t>(id)]; };
  for (const Json& node : network.json.at("nodes")) {
    const std::vector<NodeId>& nodes = network.built.parts.at(node.at("name"));
    if (std::ranges::find(nodes, sink) == nodes.end()) continue;
    if (std::ranges::none_of(nodes, [&](NodeId id) { return part(id) == Part::Atom; })) {
      names.insert(network.name(sink));
      continue;
    }
    for (const Json& operand : node.at("in"))
      if (part(network.id(operand)) == Part::Affine) names.insert(operand);
  }
  names.erase("");
}

}  // namespace

void check_collapse(const Json& expected, const Network& network, Outcome& outcome) {
  std::set<std::string> wanted, found;
  for (const Json& sink : expected) {
    wanted.insert(sink.at("sink"));
    check_sink(sink, network, outcome);
  }
  for (const NodeId sink : network.facts.sinks) add_names(sink, network, found);
  outcome.check(found == wanted, "sinks are {}", fmt::join(found, ", "));
}

}  // namespace crease::oracle
