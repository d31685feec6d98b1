#include "graph/analysis/ball/values.h"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "graph/analysis/ball/sums.h"
#include "graph/analysis/check_replay.h"
#include "graph/scalar/forms.h"
#include "graph/stored.h"

namespace crease::checker {

namespace {

/// A body as steps, each once.
class Body {
 public:
  Body(const Scalar& expression, const BallArithmetic& arithmetic)
      : arithmetic_(arithmetic), steps_(steps_of(expression)) {
    values_.resize(steps_.size());
  }

  /// `argument(k)` is operand k.
  template <class Argument>
  const Ball& run(Argument&& argument, std::span<const int64_t> labels) {
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Scalar& scalar = steps_[i].node;
      switch (scalar.kind()) {
        case ScalarKind::Constant: values_[i] = arithmetic_.of(scalar.constant()); break;
        case ScalarKind::Argument: values_[i] = argument(static_cast<size_t>(scalar.position())); break;
        case ScalarKind::Index:
          values_[i] = arithmetic_.of(Rational(labels[static_cast<size_t>(scalar.position())]));
          break;
        case ScalarKind::Size: throw Refused("a value depends on the number of samples");
        default: {
          terms_.clear();
          for (const size_t term : steps_[i].terms) terms_.push_back(values_[term]);
          values_[i] = arithmetic_.apply(scalar.kind(), terms_);
        }
      }
    }
    return values_.back();
  }

 private:
  const BallArithmetic& arithmetic_;
  std::vector<BodyStep> steps_;
  std::vector<Ball> values_, terms_;
};

class Evaluation {
 public:
  Evaluation(const Graph& graph, size_t points, const BallArithmetic& arithmetic)
      : graph_(graph), points_(points), arithmetic_(arithmetic) {}

  std::vector<std::vector<Ball>> run(NodeId wanted, const std::vector<std::vector<Rational>>& points) {
    set_inputs(points);
    const std::vector<NodeId> needed = ancestors(graph_, std::span(&wanted, 1));
    std::map<NodeId, size_t> uses;
    for (const NodeId id : needed)
      for (const NodeId operand : graph_.node(id).operands) ++uses[operand];
    for (const NodeId id : needed) {
      if (!known_.contains(id) && graph_.node(id).role == Role::Apply) known_[id] = applied(id);
      for (const NodeId operand : graph_.node(id).operands)
        if (--uses[operand] == 0 && operand != wanted) known_.erase(operand);
    }
    const std::vector<Ball>& all = of(wanted);
    std::vector<std::vector<Ball>> result(points_);
    for (size_t i = 0; i < all.size(); ++i) result[i % points_].push_back(all[i]);
    return result;
  }

 private:
  const Graph& graph_;
  size_t points_;
  const BallArithmetic& arithmetic_;
  std::map<NodeId, std::vector<Ball>> known_;  // element e at point p: entry e * points + p

  void set_inputs(const std::vector<std::vector<Rational>>& points) {
    size_t next = 0;
    for (const NodeId id : graph_.inputs()) {
      const auto count = static_cast<size_t>(sample_size(graph_.node(id).shape));
      for (size_t e = 0; e < count; ++e, ++next)
        for (const std::vector<Rational>& point : points) {
          if (next >= point.size()) throw Refused("a point has too few numbers");
          require_input(graph_, id, point[next]);
          known_[id].push_back(arithmetic_.of(point[next]));
        }
    }
    for (const std::vector<Rational>& point : points)
      if (point.size() != next) throw Refused("a point has too many numbers");
  }

  /// Stored tensors become balls where something else than a sum of products reads them.
  const std::vector<Ball>& of(NodeId id) {
    const auto found = known_.find(id);
    if (found != known_.end()) return found->second;
    const Node& node = graph_.node(id);
    if (node.role != Role::Parameter && node.role != Role::Constant)
      throw Refused(describe(graph_, id) + " has no value of its own");
    std::vector<Ball>& values = known_[id];
    for (int64_t i = 0; i < node.value.count(); ++i)
      values.insert(values.end(), points_, arithmetic_.of(node.value.at(i)));
    return values;
  }

  std::vector<Ball> applied(NodeId id) {
    const Node& node = graph_.node(id);
    if (const auto sum = weighted_sum(graph_, id))
      return ball_sums(graph_, id, *sum, of(node.operands[sum->values]), points_, arithmetic_);
    require_separate_samples(graph_, id);
    const Combine combine = node.op->combine;
    const auto count = static_cast<size_t>(sample_size(node.shape));
    std::vector<Ball> result(count * points_, arithmetic_.of(combine == Combine::Product ? 1.0 : 0.0));
    std::vector<bool> seen(count);
    std::vector<const std::vector<Ball>*> operands;
    for (const NodeId operand : node.operands) of(operand);
    for (const NodeId operand : node.operands) operands.push_back(&of(operand));
    Body body(node.op->body.expression, arithmetic_);
    visit_points(graph_, id, [&](const Touch& touch) {
      const auto place = static_cast<size_t>(touch.write);
      for (size_t p = 0; p < points_; ++p) {
        const auto argument = [&](size_t k) -> const Ball& {
          return (*operands[k])[static_cast<size_t>(touch.reads[k]) * points_ + p];
        };
        const Ball& value = body.run(argument, touch.labels);
        Ball& slot = result[place * points_ + p];
        slot = seen[place] ? combined(combine, slot, value) : value;
      }
      seen[place] = true;
    });
    const bool needs_one = combine == Combine::Max || combine == Combine::Min;
    if (needs_one && std::ranges::find(seen, false) != seen.end())
      throw Refused("an extremum over nothing is infinite");
    return result;
  }

  Ball combined(Combine combine, const Ball& a, const Ball& b) const {
    switch (combine) {
      case Combine::Sum: return arithmetic_.plus(a, b);
      case Combine::Product: return arithmetic_.times(a, b);
      case Combine::Max: return arithmetic_.extreme(a, b, 1);
      case Combine::Min: return arithmetic_.extreme(a, b, -1);
      case Combine::Assign: throw Refused("two loop points assign one element");
      case Combine::ArgMax:
      case Combine::ArgMin: break;
    }
    throw Refused("argmax has no enclosure");
  }
};

}  // namespace

void require_input(const Graph& graph, NodeId input, const Rational& number) {
  const Type type = graph.node(input).type;
  if (!can_be(type, number))
    throw Refused(fmt::format("input '{}' is {}, which cannot be {}", graph.node(input).name, to_string(type),
                              to_string(number)));
}

std::vector<std::vector<Ball>> ball_values(const Graph& graph, NodeId node,
                                           const std::vector<std::vector<Rational>>& points,
                                           const BallArithmetic& arithmetic) {
  if (arithmetic.bits() < 1 || arithmetic.bits() > kMostBits)
    throw Refused("numbers of " + std::to_string(arithmetic.bits()) + " bits: want 1 to " +
                  std::to_string(kMostBits));
  return Evaluation(graph, points.size(), arithmetic).run(node, points);
}

}  // namespace crease::checker
