#include <algorithm>

#include "graph/analysis/convexity.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "graph/error.h"

namespace crease {
namespace {

bool is_extremum(Combine combine) { return combine == Combine::Max || combine == Combine::Min; }

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
    case Role::Random: return {.positive = true};
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
  const int64_t points = PointWalk(graph_, id).count();
  const bool structural = options_.level == Level::Structure && !by_element_;
  if (structural || points_ + points > options_.point_limit) return {joined(id, body)};
  points_ += points;
  return by_point(id, body);
}

Convexity::Facts Convexity::by_point(NodeId id, CurveBody& body) const {
  const Node& node = graph_.node(id);
  const auto count = static_cast<size_t>(sample_count(node.shape));
  Facts result(count, constant_curve(0));
  std::vector<bool> seen(count);
  std::vector<Curve> arguments(node.operands.size());
  for (PointWalk walk(graph_, id); walk.valid(); walk.next()) {
    if (!walk.inside()) continue;
    for (size_t k = 0; k < arguments.size(); ++k) arguments[k] = at(node.operands[k], walk.read(k));
    const Curve value = body.run(arguments);
    const auto element = static_cast<size_t>(walk.write());
    const bool arg = node.op->combine == Combine::ArgMax || node.op->combine == Combine::ArgMin;
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
  // Elements that no point writes are 0; an extremum over none is infinite.
  return is_extremum(node.op->combine) ? value : either(value, constant_curve(0));
}

}  // namespace crease
