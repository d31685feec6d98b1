// The findings of linearity: verdicts, witnesses, sentences.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "graph/analysis/certificate.h"
#include "graph/analysis/decimals.h"
#include "graph/analysis/enclosed_form.h"
#include "graph/analysis/enclosed_witness.h"
#include "graph/analysis/exact.h"
#include "graph/analysis/finite.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "graph/error.h"

namespace crease {

namespace {

using Json = nlohmann::ordered_json;

/// Matrices of more elements are left to the certificate.
constexpr int64_t kInlineEvidence = 1024;

size_t at(NodeId id) { return static_cast<size_t>(id); }

std::string name(const Graph& graph, NodeId id) { return node_key(graph, id); }

/// Small dyadic numbers: sums of few of them stay exact and short.
std::vector<Rational> random_point(std::mt19937_64& random, const Node& input, int64_t scale) {
  std::vector<Rational> point;
  for (int64_t i = 0; i < sample_count(input.shape); ++i)
    point.push_back(drawn(input.type, static_cast<int64_t>(random() % 33) - 16, Rational(scale, 16)));
  return point;
}

/// Looks for three collinear points, apart only in `input`, at which an element of `output` is not affine.
class WitnessSearch {
 public:
  WitnessSearch(const Graph& graph, NodeId output, NodeId input)
      : graph_(graph), output_(output), input_(input) {}

  std::optional<NotAffineWitness> run(int tries) {
    std::mt19937_64 random(0);
    for (int k = 0; k < tries; ++k) {
      const int64_t scale = int64_t{1} << (k % 4 * 2);
      std::map<NodeId, ExactValues> mid;
      for (const NodeId id : graph_.inputs()) mid[id] = random_point(random, graph_.node(id), scale);
      if (k == 0) mid[input_].assign(mid[input_].size(), 0);
      const ExactValues step = random_point(random, graph_.node(input_), scale);
      auto a = mid, b = mid;
      for (size_t i = 0; i < step.size(); ++i) {
        a[input_][i] -= step[i];
        b[input_][i] += step[i];
      }
      const auto f_a = value(a), f_b = value(b), f_mid = value(mid);
      if (!f_a || !f_b || !f_mid) return {};
      for (size_t o = 0; o < f_a->size(); ++o)
        if ((*f_a)[o] + (*f_b)[o] != 2 * (*f_mid)[o])
          return NotAffineWitness{
              output_,    static_cast<int64_t>(o), flat(a), flat(b), flat(mid), (*f_a)[o], (*f_b)[o],
              (*f_mid)[o]};
    }
    return {};
  }

 private:
  std::optional<ExactValues> value(const std::map<NodeId, ExactValues>& inputs) const {
    auto values = evaluate_exactly(graph_, inputs, std::span(&output_, 1));
    if (!values) return {};
    return std::move(values->at(output_));
  }

  std::vector<Rational> flat(const std::map<NodeId, ExactValues>& inputs) const {
    std::vector<Rational> all;
    for (const NodeId id : graph_.inputs()) {
      const ExactValues& values = inputs.at(id);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }

  const Graph& graph_;
  NodeId output_;
  NodeId input_;
};

/// Whether every node between inputs and `output` treats samples separately: only then do three points
/// decide.
bool has_separate_samples(const Graph& graph, const Linearity& facts, NodeId output) {
  const std::vector<NodeId> needed = ancestors(graph, std::span(&output, 1));
  return std::all_of(needed.begin(), needed.end(), [&](NodeId id) { return facts.mixing[at(id)].empty(); });
}

/// The first node on the way to `output` that is not polynomial in `input` although its operands are.
std::string culprit(const Graph& graph, const Linearity& facts, NodeId output, NodeId input) {
  for (const NodeId id : ancestors(graph, std::span(&output, 1))) {
    const Node& node = graph.node(id);
    if (node.role != Role::Apply || facts.degree(id, input) <= 1) continue;
    const bool first = std::all_of(node.operands.begin(), node.operands.end(),
                                   [&](NodeId operand) { return facts.degree(operand, input) <= 1; });
    if (first) return fmt::format("{} of {}", node.op->name, spoken(graph, node.operands[0]));
  }
  return "a later node";
}

/// A witness with exact values where they are affordable, else with enclosed ones.
std::optional<NotAffineWitness> witness_of(const Graph& graph, const Output& output, NodeId input,
                                           int tries) {
  if (is_exact_affordable(graph, std::span(&output.node, 1)))
    if (auto witness = WitnessSearch(graph, output.node, input).run(tries)) return witness;
  return enclosed_witness(graph, output.node, input);
}

/// "17/4", or a few digits of an enclosed value.
std::string value_text(const NotAffineWitness& witness, const Rational& value) {
  return witness.bits == 0 ? to_string(value) : fmt::format("{:.6g}", value.to_double());
}

Finding affine_finding(const Graph& graph, const Linearity& facts, const Output& output, NodeId input,
                       const LinearityOptions& options) {
  const Degree degree = facts.degree(output.node, input);
  const Piecewise shape = facts.piecewise[at(output.node)];
  const std::string subject = output.name + " in " + name(graph, input);
  Json evidence{{"output", output.name},
                {"input", name(graph, input)},
                {"degree", degree == kNotPolynomial ? Json() : Json(degree)},
                {"piecewise", std::string(to_string(shape))}};
  Finding finding{.id = "affine", .subject = subject, .sentences = {}, .certificate = {}};
  const auto say = [&](Verdict verdict, Level level, std::string sentence) {
    finding.verdict = verdict;
    finding.level = level;
    finding.sentences.push_back(std::move(sentence));
  };
  if (degree <= 1) {
    say(Verdict::Proved, Level::Structure,
        fmt::format("{} {} {}, whatever the parameters are", output.name,
                    degree == 0 ? "does not depend on" : "is affine in", name(graph, input)));
    finding.evidence = evidence.dump();
    return finding;
  }
  const bool separate = has_separate_samples(graph, facts, output.node);
  if (const auto witness = separate ? witness_of(graph, output, input, options.tries) : std::nullopt) {
    say(Verdict::Refuted, Level::Values,
        fmt::format(
            "{} is not affine in {}: at three points on a line element {} is {}, {} and, between them, {}{}",
            output.name, name(graph, input), witness->index, value_text(*witness, witness->f_a),
            value_text(*witness, witness->f_b), value_text(*witness, witness->f_mid),
            witness->bits == 0 ? "" : fmt::format(" (enclosed by numbers of {} bits)", witness->bits)));
    finding.certificate = not_affine_certificate(graph, *witness);
    evidence["witness"] = Json::parse(finding.certificate->json)["witness"];
  } else {
    say(Verdict::Unknown, Level::Structure,
        fmt::format("{} is not proved affine in {}: {} is not affine by itself", output.name,
                    name(graph, input), culprit(graph, facts, output.node, input)));
    const NodeId broken = first_not_finite(graph, output.node);
    finding.sentences.push_back(
        broken >= 0 ? fmt::format("no points tell: {} is not finite", describe(graph, broken))
        : shape == Piecewise::Other
            ? "three points on a line would decide; of those that were tried none tells, or a function on "
              "the way has no enclosure"
            : "no counterexample was found; a normal form, in which activations may cancel, would decide");
  }
  finding.evidence = evidence.dump();
  return finding;
}

std::vector<std::string> names(const Graph& graph, const std::vector<NodeId>& ids) {
  std::vector<std::string> result;
  for (const NodeId id : ids) result.push_back(name(graph, id));
  return result;
}

/// "y (10)": a node and its elements a sample.
std::string sized(const Graph& graph, NodeId id) {
  return fmt::format("{} ({})", spoken(graph, id), sample_count(graph.node(id).shape));
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

Json chain_evidence(const Graph& graph, const ChainPlan& plan) {
  return {{"nodes", names(graph, plan.nodes)},
          {"dims", plan.dims},
          {"keep_boundaries", plan.keep},
          {"best_mults", plan.multiplications}};
}

/// Fills a finding about a sink whose matrices are known.
void describe_form(const Graph& graph, const Linearity& facts, const AffineForm& form, Finding& finding,
                   Json& evidence) {
  const CollapseCost cost = collapse_cost(graph, facts, form);
  const auto chain = chain_plan(graph, facts, form);
  // No wider than the narrowest node that every path passes; on a chain these are its boundaries.
  int64_t narrowest = sample_count(graph.node(form.sink).shape);
  if (chain) narrowest = *std::min_element(chain->dims.begin(), chain->dims.end());
  Json rank = Json::object();
  std::string terms;
  for (size_t k = 0; k < form.frontier.size(); ++k) {
    const ExactMatrix& w = form.weights[k];
    const int64_t r = w.rank(narrowest);
    const std::string key = spoken(graph, form.frontier[k]);
    rank[name(graph, form.frontier[k])] = r;
    const std::string matrix = form.frontier.size() == 1 ? "W'" : "W'[" + key + "]";
    terms += fmt::format("{} {} + ", matrix, key);
    finding.sentences.push_back(fmt::format("{} is {} by {} of rank {}", matrix, w.columns(), w.rows(), r));
  }
  finding.verdict = Verdict::Proved;
  finding.level = Level::Values;
  finding.sentences.insert(finding.sentences.begin(),
                           fmt::format("{} = {}b', exactly: {} nodes are one affine map",
                                       spoken(graph, form.sink), terms, form.nodes.size()));
  finding.sentences.push_back(
      fmt::format("multiplications a sample: {} as written ({} for this result alone), {} collapsed{}",
                  cost.before, cost.owned, cost.dense,
                  chain && chain->multiplications < cost.dense
                      ? fmt::format(", {} at best by keeping narrow layers", chain->multiplications)
                      : ""));
  evidence["rank"] = rank;
  evidence["mults_before"] = cost.before;
  evidence["mults_private"] = cost.owned;
  evidence["mults_after_dense"] = cost.dense;
  evidence["worthwhile_dense"] = cost.pays();
  if (chain) evidence["chain"] = chain_evidence(graph, *chain);
  finding.certificate = affine_certificate(graph, form);
  if (cost.dense > kInlineEvidence) return;
  const Json claim = Json::parse(finding.certificate->json)["claim"];
  evidence["W"] = claim["W"];
  evidence["b"] = claim["b"];
}

/// Fills a finding about a sink whose matrices are irrational, and enclosed.
void describe_enclosure(const Graph& graph, const Linearity& facts, const EnclosedForm& near,
                        Finding& finding, Json& evidence) {
  const CollapseCost cost = collapse_cost(graph, facts, near.form);
  std::string terms;
  for (const NodeId id : near.form.frontier) {
    const std::string key = spoken(graph, id);
    terms += fmt::format("{} {} + ", near.form.frontier.size() == 1 ? "W'" : "W'[" + key + "]", key);
  }
  finding.verdict = Verdict::Proved;
  finding.level = Level::Values;
  finding.sentences = {
      fmt::format("{} = {}b', each number within {} of the true, irrational one: {} nodes are one affine map",
                  spoken(graph, near.form.sink), terms, at_most_text(near.error, 2), near.form.nodes.size()),
      fmt::format("multiplications a sample: {} as written ({} for this result alone), {} collapsed",
                  cost.before, cost.owned, cost.dense)};
  evidence["error"] = to_string(near.error);
  evidence["mults_before"] = cost.before;
  evidence["mults_private"] = cost.owned;
  evidence["mults_after_dense"] = cost.dense;
  evidence["worthwhile_dense"] = cost.pays();
  finding.certificate = enclosure_certificate(graph, near);
}

Finding collapse_finding(const Graph& graph, const Linearity& facts, NodeId sink,
                         const LinearityOptions& options) {
  const std::vector<NodeId> nodes = affine_nodes(graph, facts, sink);
  const std::vector<NodeId>& frontier = facts.frontiers[at(sink)];
  int64_t layers = 0, elements = 0, multiplied = 0;
  for (const NodeId id : nodes) {
    const int64_t own = multiplications(graph, facts, id);
    layers += own > 0 ? 1 : 0;
    multiplied += own;
  }
  std::vector<std::string> sources;
  for (const NodeId id : frontier) {
    elements += sample_count(graph.node(id).shape) * sample_count(graph.node(sink).shape);
    sources.push_back(sized(graph, id));
  }
  Json evidence{{"sink", name(graph, sink)},
                {"frontier", names(graph, frontier)},
                {"affine_nodes", names(graph, nodes)},
                {"layers", layers}};
  Finding finding{.id = "collapse", .subject = name(graph, sink), .sentences = {}, .certificate = {}};
  const std::string claim = fmt::format("{} is affine in {}", sized(graph, sink), joined(sources));
  finding.verdict = Verdict::Proved;
  finding.level = Level::Structure;
  if (layers < 2) {
    finding.sentences = {claim + ": one layer, nothing to merge"};
    evidence["mults_before"] = multiplied;
  } else if (elements > options.matrix_limit) {
    finding.sentences = {claim + fmt::format(": {} layers", layers),
                         fmt::format("its matrices would have {} elements, above the limit of {}", elements,
                                     options.matrix_limit)};
  } else if (const FormOrReason result = affine_form(graph, facts, sink); result.form) {
    describe_form(graph, facts, *result.form, finding, evidence);
  } else if (const auto near = enclosed_form(graph, facts, sink); near.form) {
    describe_enclosure(graph, facts, *near.form, finding, evidence);
  } else {
    finding.sentences = {claim + fmt::format(": {} layers", layers),
                         "its matrices are not known exactly: " + result.reason};
  }
  finding.evidence = evidence.dump();
  return finding;
}

/// One finding for each affine node that mixes samples: why maps of one sample end there.
Finding mixing_finding(const Graph& graph, NodeId id, const std::string& reason) {
  Finding finding{.id = "mixes-samples", .subject = name(graph, id), .sentences = {}, .certificate = {}};
  finding.verdict = Verdict::Proved;
  finding.level = Level::Structure;
  finding.sentences = {
      fmt::format("{} {}: it is affine in its operands, but no map of one sample", name(graph, id), reason)};
  finding.evidence = Json{{"node", name(graph, id)}, {"reason", reason}}.dump();
  return finding;
}

}  // namespace

std::vector<Finding> linearity_findings(const Graph& graph, const LinearityOptions& options) {
  const Linearity facts = linearity(graph);
  std::vector<Finding> findings;
  for (const Output& output : graph.outputs())
    for (const NodeId input : graph.inputs())
      if (is_floating(graph.node(input).type))
        findings.push_back(affine_finding(graph, facts, output, input, options));
  for (const NodeId sink : facts.sinks) findings.push_back(collapse_finding(graph, facts, sink, options));
  for (NodeId id = 0; id < graph.size(); ++id)
    if (!facts.mixing[at(id)].empty() && graph.node(id).role == Role::Apply)
      findings.push_back(mixing_finding(graph, id, facts.mixing[at(id)]));
  return findings;
}

}  // namespace crease
