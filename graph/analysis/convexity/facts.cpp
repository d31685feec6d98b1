#include <algorithm>
#include <limits>

#include "graph/analysis/bounds/loop_nest.h"
#include "graph/analysis/convexity.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "graph/error.h"

namespace crease {
namespace {

/// So many points of weighted sums cost what one other point does.
constexpr int64_t kWeightedPoints = 16;

/// Adds a term that is not 0 times what it holds of.
void unite(Curve& sum, const Curve& term) {
  sum.rises |= term.rises;
  sum.falls |= term.falls;
  sum.bends_up |= term.bends_up;
  sum.bends_down |= term.bends_down;
  sum.negative |= term.negative;
  sum.positive |= term.positive;
  if (term.negative || term.positive) sum.value = std::numeric_limits<double>::quiet_NaN();
}

/// One more value joins those that an element combines.
Curve combined(Combine combine, const Curve& element, const Curve& value) {
  switch (combine) {
    case Combine::Assign:
    case Combine::Sum: return sum_curve(element, value);
    case Combine::Product: return product_curve(element, value);
    case Combine::Max: return max_curve(element, value);
    case Combine::Min: return min_curve(element, value);
    case Combine::ArgMax:
    case Combine::ArgMin: break;
  }
  Curve result = anything(either(element, value));
  result.negative = false;
  return result;
}

/// What an element is that no point writes.
Curve unwritten(Combine combine) {
  switch (combine) {
    case Combine::Product: return constant_curve(1);
    case Combine::Max: return constant_curve(-std::numeric_limits<double>::infinity());
    case Combine::Min: return constant_curve(std::numeric_limits<double>::infinity());
    default: return constant_curve(0);
  }
}

/// Any number of equal facts combined.
Curve repeated(Combine combine, const Curve& value) {
  if (combine == Combine::Sum || combine == Combine::Assign) {
    Curve result = value;
    result.value = value.value == 0 ? 0 : std::numeric_limits<double>::quiet_NaN();
    return result;
  }
  return combined(combine, combined(combine, value, value), value);
}

}  // namespace

Convexity::Convexity(const Graph& graph, const ConvexityOptions& options)
    : graph_(graph.handle()), options_(options), facts_(static_cast<size_t>(graph.size())) {
  first_bit_.assign(static_cast<size_t>(graph.size()), 0);
  int64_t elements = 0;
  for (const NodeId id : graph.inputs()) elements += sample_count(graph.node(id).shape);
  by_element_ = elements <= 64;
  int next = 0;
  for (const NodeId id : graph.inputs()) {
    first_bit_[static_cast<size_t>(id)] = std::min(next, 63);
    next += by_element_ ? static_cast<int>(sample_count(graph.node(id).shape)) : 1;
  }
  const Linearity linear = linearity(graph);
  for (NodeId id = 0; id < graph.size(); ++id)
    if (graph.node(id).role == Role::Apply || graph.node(id).role == Role::Scan)
      facts_[static_cast<size_t>(id)] = apply(id, linear.mixing[static_cast<size_t>(id)]);
}

uint64_t Convexity::bits(NodeId input, int64_t element) const {
  const int bit = first_bit_[static_cast<size_t>(input)] + (by_element_ ? static_cast<int>(element) : 0);
  return uint64_t{1} << bit;
}

Curve Convexity::leaf(NodeId id, int64_t element) const {
  const Node& node = graph_.node(id);
  switch (node.role) {
    case Role::Input:
      return {.rises = bits(id, element),
              .negative = node.type != Type::u8 && node.type != Type::boolean,
              .positive = true};
    case Role::Parameter:
      if (options_.level == Level::Structure) return free_constant();
      return constant_curve(node.value.at(element));
    case Role::Constant: return constant_curve(node.value.at(element));
    case Role::Random: {
      // From a counter that varies, the numbers do in any way.
      Curve curve = anything(any(node.operands[0]));
      curve.negative = false;
      return curve;
    }
    case Role::Apply:
    case Role::Scan: break;
  }
  return {};
}

Curve Convexity::at(NodeId node, int64_t element) const {
  const Facts& facts = facts_[static_cast<size_t>(node)];
  if (facts.empty()) return leaf(node, element);
  return facts.size() == 1 ? facts.front() : facts[static_cast<size_t>(element)];
}

Curve Convexity::any(NodeId node) const {
  const bool unread = graph_.node(node).role == Role::Parameter && options_.level == Level::Structure;
  const int64_t count = unread ? 1 : sample_count(graph_.node(node).shape);
  const auto& facts = facts_[static_cast<size_t>(node)];
  if (count == 0) return {};
  Curve result = at(node, 0);
  for (int64_t i = 1; i < (facts.size() == 1 ? 1 : count); ++i) result = either(result, at(node, i));
  return result;
}

Convexity::Facts Convexity::apply(NodeId id, const std::string& mixing) {
  const Node& node = graph_.node(id);
  if (!mixing.empty() || has_lookup(node)) {
    Curve all = constant_curve(0);
    for (const NodeId operand : node.operands) all = either(all, any(operand));
    return {anything(all)};
  }
  CurveBody body(node.op->body.expression);
  const auto weights = weights_of(id);
  const int64_t points = PointWalk(graph_, id).count() / (weights ? kWeightedPoints : 1);
  const bool structural = options_.level == Level::Structure && !by_element_;
  if (structural || points_ + points > options_.point_limit) return {joined(id, body)};
  points_ += points;
  return weights ? weighted(id, *weights) : by_point(id, body);
}

/// The operand that holds the weights, if a node sums stored numbers times values: most of the work of a
/// network.
std::optional<size_t> Convexity::weights_of(NodeId id) const {
  const Node& node = graph_.node(id);
  const Scalar& body = node.op->body.expression;
  if (node.op->combine != Combine::Sum || node.operands.size() != 2) return {};
  if (body.kind() != ScalarKind::Multiply || body.terms()[0].kind() != ScalarKind::Argument ||
      body.terms()[1].kind() != ScalarKind::Argument || body.terms()[0].same(body.terms()[1]))
    return {};
  for (size_t k = 0; k < 2; ++k) {
    const Role role = graph_.node(node.operands[k]).role;
    if (role == Role::Constant || (role == Role::Parameter && options_.level == Level::Values)) return k;
  }
  return {};
}

Convexity::Facts Convexity::weighted(NodeId id, size_t weights) const {
  const Node& node = graph_.node(id);
  const NodeId from = node.operands[1 - weights];
  const auto size = static_cast<size_t>(sample_count(graph_.node(from).shape));
  Facts kept(size), turned(size);
  for (size_t i = 0; i < size; ++i) {
    kept[i] = at(from, static_cast<int64_t>(i));
    turned[i] = negated_curve(kept[i]);
  }
  const Tensor numbers = graph_.node(node.operands[weights]).value.converted(Type::f64);
  const double* factors = numbers.read<double>().data();
  Facts result(static_cast<size_t>(sample_count(node.shape)), constant_curve(0));
  const int accesses[] = {LoopNest::kResult, static_cast<int>(weights), static_cast<int>(1 - weights)};
  LoopNest(graph_, id, accesses).rows([&](const LoopRow& row) {
    for (int64_t k = 0; k < row.count; ++k) {
      const auto touched = [&](size_t a) { return row.first[a] + k * row.step[a]; };
      const double factor = factors[touched(1)];
      if (factor == 0) continue;
      // NaN has every sign.
      Curve& sum = result[static_cast<size_t>(touched(0))];
      if (!(factor < 0)) unite(sum, kept[static_cast<size_t>(touched(2))]);
      if (!(factor > 0)) unite(sum, turned[static_cast<size_t>(touched(2))]);
    }
  });
  return result;
}

Convexity::Facts Convexity::by_point(NodeId id, CurveBody& body) const {
  const Node& node = graph_.node(id);
  const auto count = static_cast<size_t>(sample_count(node.shape));
  const bool arg = gives_position(node.op->combine);
  Facts result(count, unwritten(node.op->combine));
  std::vector<bool> seen(count);
  std::vector<Curve> arguments(node.operands.size());
  for (PointWalk walk(graph_, id); walk.valid(); walk.next()) {
    if (!walk.inside()) continue;
    for (size_t k = 0; k < arguments.size(); ++k) arguments[k] = at(node.operands[k], walk.read(k));
    const Curve value = body.run(arguments);
    const auto element = static_cast<size_t>(walk.write());
    result[element] = seen[element] || arg ? combined(node.op->combine, result[element], value) : value;
    seen[element] = true;
  }
  return result;
}

Curve Convexity::joined(NodeId id, CurveBody& body) const {
  const Node& node = graph_.node(id);
  std::vector<Curve> arguments;
  for (const NodeId operand : node.operands) arguments.push_back(any(operand));
  const Curve value = repeated(node.op->combine, body.run(arguments));
  return either(value, unwritten(node.op->combine));
}

}  // namespace crease
