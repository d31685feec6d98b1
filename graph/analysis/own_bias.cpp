#include "graph/analysis/own_bias.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <ranges>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/dataflow.h"
#include "graph/analysis/shift_invariance.h"
#include "graph/ops/hold.h"
#include "graph/ops/order.h"
#include "graph/piecewise.h"
#include "graph/rewrite/rewrite.h"
#include "graph/scalar/forms.h"
#include "graph/scan.h"
#include "graph/smooth.h"
#include "graph/stored.h"

namespace crease {
namespace {

using Kind = ScalarKind;

bool holds(const Scalar& body, bool (*test)(Kind)) {
  return any_step(body, [test](const Scalar& e) { return test(e.kind()); });
}

bool compares(const Scalar& body) {
  return holds(body, [](Kind kind) {
    return kind == Kind::Less || kind == Kind::LessEqual || kind == Kind::Equal || kind == Kind::Floor;
  });
}

/// Whether every select of a one-argument body has equal branches where its comparisons hold with equality;
/// then the body is continuous. False where that is not plain to see.
bool joins(const Scalar& body) {
  if (holds(body, [](Kind kind) { return kind == Kind::Floor || kind == Kind::Equal; })) return false;
  for (const Scalar& condition : kink_conditions(body)) {
    if (condition.kind() != Kind::Equal) return false;
    const Scalar &u = condition.terms()[0], &v = condition.terms()[1];
    const Scalar& place = u.kind() == Kind::Constant ? u : v;
    if (place.kind() != Kind::Constant) return false;
    const auto with = [&](double truth) {
      const Scalar decided = rewrite(body, [&](const Scalar& node, std::span<const Scalar> terms) {
        const bool comparison = node.kind() == Kind::Less || node.kind() == Kind::LessEqual;
        return comparison             ? Scalar(truth)
               : node.terms().empty() ? node
                                      : make_scalar(node.kind(), {terms.begin(), terms.end()});
      });
      const double at = place.constant();
      return evaluate(decided, {.arguments = {&at, 1}});
    };
    if (with(0) != with(1)) return false;
  }
  return true;
}

class Analysis {
 public:
  Analysis(const Graph& graph, std::span<const NodeId> outputs, std::span<const NodeId> wrt)
      : graph_(graph), outputs_(outputs), needed_(static_cast<size_t>(graph.size())), moved_(needed_.size()) {
    for (const NodeId id : ancestors(graph, outputs)) needed_[static_cast<size_t>(id)] = true;
    for (const NodeId id : wrt) moved_[static_cast<size_t>(id)] = true;
    variables_.insert(wrt.begin(), wrt.end());
    for (NodeId id = 0; id < graph.size(); ++id)
      for (const NodeId operand : graph.node(id).operands) {
        if (moved(operand)) moved_[static_cast<size_t>(id)] = true;
        if (needed(id)) ++uses_[operand];
      }
    watch();
  }

  OwnBiasReport run() {
    OwnBiasReport report;
    for (NodeId id = 0; id < graph_.size(); ++id)
      if (watched_[static_cast<size_t>(id)]) {
        if (graph_.node(id).role == Role::Apply) visit(id, report);
        if (graph_.node(id).role == Role::Scan && !is_smooth(graph_.node(id).scan->body))
          report.operations.push_back(
              {.node = id, .problem = "kinks inside a loop over time are not looked at"});
      }
    set_levels(report);
    return report;
  }

 private:
  bool moved(NodeId id) const { return moved_[static_cast<size_t>(id)]; }
  bool needed(NodeId id) const { return needed_[static_cast<size_t>(id)]; }

  /// The nodes from which a change of a variable reaches an output, other than through a shift that changes
  /// nothing.
  void watch() {
    std::vector<bool> reaches(needed_.size());
    for (const NodeId id : outputs_) reaches[static_cast<size_t>(id)] = true;
    for (NodeId id = graph_.size(); id-- > 0;) {
      if (!reaches[static_cast<size_t>(id)] || is_free_shift(id)) continue;
      for (const NodeId operand : graph_.node(id).operands) reaches[static_cast<size_t>(operand)] = true;
    }
    watched_.resize(needed_.size());
    for (size_t id = 0; id < watched_.size(); ++id)
      watched_[id] = reaches[id] && moved_[id] && !is_free_shift(static_cast<NodeId>(id));
  }

  bool is_free_shift(NodeId id) const {
    const Node& node = graph_.node(id);
    return node.role == Role::Apply && node.op->combine == Combine::Assign &&
           node.op->body.expression.kind() == Kind::Floor && shift_invariant(graph_, outputs_, id);
  }

  void visit(NodeId id, OwnBiasReport& report) {
    const Node& node = graph_.node(id);
    const Scalar& body = node.op->body.expression;
    report.poles |= has_pole(body);
    const bool extremum = node.op->combine != Combine::Assign && node.op->combine != Combine::Sum &&
                          node.op->combine != Combine::Product;
    OwnBias fact{.node = id, .problem = {}};
    if (extremum || order_of(*node.op)) {
      fact.problem = "ties between its points have no bias of their own";
    } else if (is_held(node)) {
      fact.problem = "stop_gradient holds it constant";
    } else if (holds(body, [](Kind kind) { return kind == Kind::Sqrt; })) {
      fact.problem = "sqrt has an infinite slope at 0";
    } else if (!is_floating(node.type) && !stores_exactly(graph_, node)) {
      fact.problem = "what it cuts to an integer may jump";
    } else {
      const std::set<int> deciding = deciding_operands(node);
      if (deciding.empty()) return;
      if (deciding.size() > 1)
        fact.problem = "several operands decide it together";
      else
        find_bias(node, *deciding.begin(), fact);
    }
    report.operations.push_back(std::move(fact));
  }

  /// Operands that vary and occur in a comparison of the body.
  std::set<int> deciding_operands(const Node& node) const {
    std::set<int> found;
    rewrite(node.op->body.expression, [&](const Scalar& scalar, std::span<const Scalar>) {
      const Kind kind = scalar.kind();
      for (int k = 0; is_kink(kind) && k < static_cast<int>(node.operands.size()); ++k)
        if (depends_on(scalar, k) && moved(node.operands[static_cast<size_t>(k)])) found.insert(k);
      return scalar;
    });
    return found;
  }

  static bool is_kink(Kind kind) {
    return kind == Kind::Max || kind == Kind::Min || kind == Kind::Less || kind == Kind::LessEqual ||
           kind == Kind::Equal || kind == Kind::Floor;
  }

  void find_bias(const Node& node, int operand, OwnBias& fact) const {
    const Scalar& body = node.op->body.expression;
    const auto table = node.operands.size() == 1 ? piecewise_linear(body) : std::nullopt;
    const bool continuous = !compares(body) || (table && is_continuous(*table)) ||
                            (!table && node.operands.size() == 1 && joins(body));
    if (!continuous) {
      fact.problem = "it may jump";
      return;
    }
    const int orientation = side_of(node, operand);
    if (orientation == 0) {
      fact.problem = "its kinks are entered from different sides";
      return;
    }
    fact.negative = orientation < 0;
    follow(node.operands[static_cast<size_t>(operand)], fact);
    if (fact.bias < 0 && fact.problem.empty())
      fact.problem = "no parameter that nothing else reads is added to what decides it";
  }

  /// 1 if every kink that the operand decides is entered from the left when the operand falls, -1 if when it
  /// rises, else 0. A kink of the operand alone is its own; else its variable is first less second term (see
  /// slope in graph/scalar.h). What the operand alone decides by a comparison is entered where its sides
  /// cross: those of x * x <= 0 never do.
  int side_of(const Node& node, int operand) const {
    const auto alone = [&](const Scalar& comparison) {
      for (int k = 0; k < static_cast<int>(node.operands.size()); ++k)
        if (k != operand && depends_on(comparison, k) &&
            !is_constant(graph_, node.operands[static_cast<size_t>(k)]))
          return false;
      return true;
    };
    bool falling = false, rising = false;
    rewrite(node.op->body.expression, [&](const Scalar& scalar, std::span<const Scalar>) {
      const auto t = scalar.terms();
      if (t.size() != 2 || !is_kink(scalar.kind()) || !depends_on(scalar, operand)) return scalar;
      const bool extremum = scalar.kind() == Kind::Max || scalar.kind() == Kind::Min;
      const Scalar variable = extremum || depends_on_arguments(t[0]) ? t[0] - t[1] : t[1] - t[0];
      const Scalar step = slope(variable, operand, Side::Left);
      double sign = step.kind() == Kind::Constant ? step.constant() : 0;
      if (alone(scalar) && (extremum || sign != 0)) sign = 1;
      falling |= !(sign < 0);
      rising |= !(sign > 0);
      return scalar;
    });
    return falling == rising ? (falling ? 0 : 1) : falling ? 1 : -1;
  }

  /// Walks from what decides a kink towards the sum that adds a parameter.
  void follow(NodeId id, OwnBias& fact) const {
    std::vector<std::pair<NodeId, double>> path;  // nodes, and their slopes in what comes next
    while (true) {
      if (variables_.contains(id) && uses(id) == 1) {
        fact.bias = fact.sum = id;
        return;
      }
      const Node& node = graph_.node(id);
      if (node.role != Role::Apply || node.op->combine != Combine::Assign) return;
      NodeId next = -1;
      double next_slope = 0;
      int moving = 0;
      for (int k = 0; k < static_cast<int>(node.operands.size()); ++k) {
        const NodeId operand = node.operands[static_cast<size_t>(k)];
        if (!moved(operand)) continue;
        ++moving;
        const double slope = constant_slope(node, k);
        if (slope == 0) continue;
        if (const NodeId bias = lone_parameter(operand); bias >= 0) {
          path.emplace_back(id, slope);
          fact.problem = !reaches_all(id, operand) ? "its bias does not reach every element"
                         : !arrives(path)          ? "between its bias and it numbers are rounded to 0"
                                                   : "";
          path.pop_back();
          if (!fact.problem.empty()) continue;
          fact.bias = bias;
          fact.sum = id;
          fact.negative ^= slope < 0;
          return;
        }
        next = operand;
        next_slope = slope;
      }
      if (moving != 1 || next < 0) return;
      path.emplace_back(id, next_slope);
      fact.negative ^= next_slope < 0;
      id = next;
    }
  }

  int uses(NodeId id) const {
    const auto found = uses_.find(id);
    return found == uses_.end() ? 0 : found->second;
  }

  /// Whether a change passes through all these slopes, each product rounded as its node rounds.
  bool arrives(std::span<const std::pair<NodeId, double>> path) const {
    double change = 1;
    for (const auto& [id, slope] : path | std::views::reverse) change = held(graph_.node(id), change * slope);
    return change != 0;
  }

  /// A number in the arithmetic of a node; 0 if it has none.
  double held(const Node& node, double number) const {
    const bool single = compute_type(operand_types(graph_, node), node.type) == Type::f32;
    const double result = single ? static_cast<float>(number) : number;
    return std::isfinite(result) ? result : 0;
  }

  /// The slope of the body in operand k if it is the same everywhere and a number of the node's arithmetic,
  /// else 0.
  double constant_slope(const Node& node, int k) const {
    const Scalar& body = node.op->body.expression;
    if (!kink_conditions(body).empty()) return 0;
    const Scalar slope = crease::slope(body, k, Side::Left);
    return slope.kind() == Kind::Constant ? held(node, slope.constant()) : 0;
  }

  /// The variable that a node is, moved about at most, if nothing else reads it; else -1.
  NodeId lone_parameter(NodeId id) const {
    while (true) {
      if (uses(id) != 1) return -1;
      if (variables_.contains(id)) return id;
      const Node& node = graph_.node(id);
      const bool movement = node.role == Role::Apply && node.operands.size() == 1 &&
                            node.op->combine == Combine::Assign &&
                            node.op->body.expression.kind() == Kind::Argument;
      if (!movement) return -1;
      id = node.operands[0];
    }
  }

  /// Whether what is moved about between the variable and the sum moves every element of the sum: no element
  /// is filled with zeros, and none is skipped.
  bool reaches_all(NodeId sum, NodeId operand) const {
    if (!is_whole(sum)) return false;
    for (; !variables_.contains(operand); operand = graph_.node(operand).operands[0])
      if (!is_whole(operand)) return false;
    return true;
  }

  /// Whether every element of a node is computed: at some point, and no point is skipped.
  bool is_whole(NodeId id) const {
    const Node& node = graph_.node(id);
    const Loops& loops = node.loops;
    for (size_t k = 0; k < node.operands.size(); ++k)
      if (!always_inside(loops.reads[k], loops, graph_.node(node.operands[k]).shape)) return false;
    return covers(loops.write, loops, node.shape);
  }

  /// Levels, and biases that decide kinks in opposite directions.
  void set_levels(OwnBiasReport& report) const {
    std::map<NodeId, const OwnBias*> by_bias;
    std::set<NodeId> sums;
    for (OwnBias& fact : report.operations) {
      if (fact.bias < 0) continue;
      sums.insert(fact.sum);
      const auto [first, added] = by_bias.emplace(fact.bias, &fact);
      if (!added && first->second->negative != fact.negative)
        fact.problem = fmt::format("its bias moves {} the other way", describe(graph_, first->second->node));
    }
    const auto levels = forward_facts<int>(graph_, [&](NodeId id, const std::vector<int>& facts) {
      int level = 0;
      for (const NodeId operand : graph_.node(id).operands)
        level = std::max(level, facts[static_cast<size_t>(operand)]);
      return level + (sums.contains(id) ? 1 : 0);
    });
    for (OwnBias& fact : report.operations)
      if (fact.sum >= 0) fact.level = levels[static_cast<size_t>(fact.sum)];
  }

  const Graph& graph_;
  std::span<const NodeId> outputs_;
  std::set<NodeId> variables_;
  std::vector<bool> needed_, moved_, watched_;
  std::map<NodeId, int> uses_;
};

std::string name_of(const Node& node) { return node.op ? node.op->name : "loop"; }

}  // namespace

bool OwnBiasReport::certified() const {
  return std::ranges::all_of(operations, [](const OwnBias& fact) { return fact.problem.empty(); });
}

std::optional<std::vector<std::vector<NodeId>>> OwnBiasReport::levels_if_certified() const {
  if (!certified() || operations.empty()) return {};
  std::map<int, std::set<NodeId>, std::greater<>> levels;
  for (const OwnBias& fact : operations)
    levels[fact.level].insert(fact.negative ? -1 - fact.bias : fact.bias);
  std::vector<std::vector<NodeId>> result;
  for (const auto& [level, biases] : levels) result.emplace_back(biases.begin(), biases.end());
  return result;
}

OwnBiasReport own_bias(const Graph& graph, std::span<const NodeId> outputs, std::span<const NodeId> wrt) {
  return Analysis(graph, outputs, wrt).run();
}

std::vector<Finding> own_bias_findings(const Graph& graph) {
  std::vector<NodeId> outputs, wrt;
  for (const Output& output : graph.outputs()) outputs.push_back(output.node);
  for (const NodeId id : graph.parameters())
    if (is_floating(graph.node(id).type)) wrt.push_back(id);
  if (wrt.empty()) return {};
  const OwnBiasReport report = own_bias(graph, outputs, wrt);
  if (report.operations.empty()) return {};

  const bool certified = report.certified();
  Finding finding{.id = "own-bias",
                  .subject = "gradients of the parameters",
                  .verdict = certified ? Verdict::Proved : Verdict::Unknown,
                  .level = Level::Structure};
  const size_t count = report.operations.size();
  finding.sentences.push_back(
      certified
          ? fmt::format(
                "left everywhere, or right everywhere, gives gradients in the B-subdifferential for "
                "every batch{}: {} a bias of its own",
                report.poles ? " that meets no infinite slope" : "",
                count == 1 ? "what has kinks has" : fmt::format("each of {} kinked operations has", count))
          : "left everywhere, or right everywhere, is not certified by the structure");
  nlohmann::ordered_json operations = nlohmann::ordered_json::array();
  for (const OwnBias& fact : report.operations) {
    const std::string key = node_key(graph, fact.node);
    operations.push_back({{"node", key},
                          {"bias", fact.bias < 0 ? "" : node_key(graph, fact.bias)},
                          {"level", fact.level},
                          {"problem", fact.problem}});
    if (!fact.problem.empty() && finding.sentences.size() < 6)
      finding.sentences.push_back(
          fmt::format("{} {}: {}", name_of(graph.node(fact.node)), key, fact.problem));
  }
  const bool loops = std::ranges::any_of(
      report.operations, [&](const OwnBias& fact) { return graph.node(fact.node).role == Role::Scan; });
  if (!certified && !held_in_network(graph))
    finding.sentences.emplace_back(
        loops ? "direction mode certifies each gradient by itself, once unroll(graph) has written loops out"
              : "direction mode certifies each gradient by itself");
  finding.evidence = nlohmann::ordered_json{{"operations", operations}}.dump();
  return {finding};
}

}  // namespace crease
