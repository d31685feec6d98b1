#include "graph/analysis/bounds/shares.h"

#include <algorithm>
#include <set>

#include "graph/analysis/points.h"

namespace crease {

namespace {

bool is_call(const Node& node, ScalarKind kind, Combine combine) {
  if (node.role != Role::Apply || node.op->combine != combine || has_lookup(node)) return false;
  const Scalar& body = node.op->body.expression;
  if (body.kind() != kind) return false;
  for (size_t k = 0; k < body.terms().size(); ++k)
    if (body.terms()[k].kind() != ScalarKind::Argument || body.terms()[k].position() != static_cast<int>(k))
      return false;
  return true;
}

bool has_separate_samples(const Linearity& facts, NodeId id) {
  return facts.mixing[static_cast<size_t>(id)].empty();
}

/// Elements of the operands that each element of a node reads, where that is one point.
std::vector<std::vector<int64_t>> sources(const Graph& graph, NodeId id) {
  std::vector<std::vector<int64_t>> result(static_cast<size_t>(sample_count(graph.node(id).shape)));
  for (PointWalk walk(graph, id); walk.valid(); walk.next())
    if (walk.inside())
      for (size_t k = 0; k < graph.node(id).operands.size(); ++k)
        result[static_cast<size_t>(walk.write())].push_back(walk.read(k));
  return result;
}

/// Intervals of numbers proportional to the terms e[group].
std::vector<Interval> terms_of(const Graph& graph, const Linearity& facts, NodeId e,
                               const std::vector<int64_t>& group, const std::vector<NodeBounds>& known) {
  const auto bounds = [&](NodeId id, int64_t element) { return known[static_cast<size_t>(id)].at(element); };
  std::vector<Interval> plain;
  for (const int64_t i : group) plain.push_back(bounds(e, i));
  const Node& exponential = graph.node(e);
  if (!is_call(exponential, ScalarKind::Exp, Combine::Assign) || !is_elementwise(exponential.loops))
    return plain;
  const NodeId z = exponential.operands[0];
  if (!is_call(graph.node(z), ScalarKind::Subtract, Combine::Assign) || !has_separate_samples(facts, z))
    return plain;
  const auto reads = sources(graph, z);
  std::set<int64_t> shifts;
  double most = -kInfinity;
  for (const int64_t i : group) {
    const auto& pair = reads[static_cast<size_t>(i)];
    if (pair.size() != 2) return plain;
    shifts.insert(pair[1]);
    most = std::max(most, bounds(graph.node(z).operands[0], pair[0]).high);
  }
  if (shifts.size() != 1 || !std::isfinite(most)) return plain;
  for (size_t k = 0; k < group.size(); ++k) {
    const int64_t x = reads[static_cast<size_t>(group[k])][0];
    const Interval shifted = bounds(graph.node(z).operands[0], x) - Interval::point(most);
    plain[k] = apply(ScalarKind::Exp, &shifted);
  }
  return plain;
}

/// term / (term + others) for every term.
std::vector<Interval> shares_in(const std::vector<Interval>& terms) {
  std::vector<Interval> result;
  for (size_t i = 0; i < terms.size(); ++i) {
    Interval others = Interval::point(0);
    for (size_t j = 0; j < terms.size(); ++j)
      if (j != i) others = others + terms[j];
    const auto share = [](double term, double rest) {
      const Interval t = Interval::point(term), r = Interval::point(rest);
      return std::isinf(term) || std::isinf(rest) || term + rest == 0 ? Interval{0, 1} : t / (t + r);
    };
    const double low = share(terms[i].low, others.high).low, high = share(terms[i].high, others.low).high;
    result.push_back({std::clamp(low, 0.0, 1.0), std::clamp(high, 0.0, 1.0)});
  }
  return result;
}

}  // namespace

std::optional<std::vector<Interval>> shares_of(const Graph& graph, const Linearity& facts, NodeId id,
                                               const std::vector<NodeBounds>& known) {
  const Node& node = graph.node(id);
  if (!is_call(node, ScalarKind::Divide, Combine::Assign)) return {};
  const NodeId e = node.operands[0], total = node.operands[1];
  if (!is_call(graph.node(total), ScalarKind::Argument, Combine::Sum) || graph.node(total).operands[0] != e)
    return {};
  if (!has_separate_samples(facts, id) || !has_separate_samples(facts, total)) return {};
  const NodeBounds& numerators = known[static_cast<size_t>(e)];
  if (std::ranges::any_of(numerators.low, [](double low) { return low < 0; })) return {};
  const auto groups = sources(graph, total), quotients = sources(graph, id);
  std::vector<std::vector<Interval>> shares;
  for (const auto& group : groups) shares.push_back(shares_in(terms_of(graph, facts, e, group, known)));
  std::vector<Interval> result;
  for (const auto& pair : quotients) {
    if (pair.size() != 2) return {};
    const auto sum = static_cast<size_t>(pair[1]);
    const auto place = std::ranges::find(groups[sum], pair[0]);
    if (place == groups[sum].end()) return {};
    result.push_back(shares[sum][static_cast<size_t>(place - groups[sum].begin())]);
  }
  return result;
}

}  // namespace crease
