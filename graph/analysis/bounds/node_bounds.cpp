#include "graph/analysis/bounds/node_bounds.h"

#include <algorithm>
#include <limits>

#include "graph/analysis/bounds/directed.h"
#include "graph/analysis/bounds/point_curves.h"
#include "graph/analysis/bounds/shares.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/scalar/tape.h"

namespace crease {

namespace {

size_t at(NodeId id) { return static_cast<size_t>(id); }

NodeBounds everything(int64_t count, std::string reason) {
  const auto n = static_cast<size_t>(count);
  return {std::vector<double>(n, -kInfinity), std::vector<double>(n, kInfinity), false, std::move(reason)};
}

NodeBounds stored(const Tensor& tensor) {
  NodeBounds bounds{.constant = true};
  bounds.low.resize(static_cast<size_t>(tensor.count()));
  bool numbers = true;
  if (tensor.type() == Type::f32) {
    const auto values = tensor.read<float>();
    std::copy(values.begin(), values.end(), bounds.low.begin());
  } else {
    for (int64_t i = 0; i < tensor.count(); ++i) bounds.low[static_cast<size_t>(i)] = tensor.at(i);
  }
  for (const double value : bounds.low) numbers = numbers && !std::isnan(value);
  if (!numbers) return everything(tensor.count(), "it holds NaN");
  return bounds;
}

/// Bounds of one operation without lookups from those of its operands.
class Transfer {
 public:
  Transfer(const Graph& graph, NodeId id, const std::vector<NodeBounds>& known, CurvePool& pool)
      : graph_(graph),
        node_(graph.node(id)),
        id_(id),
        known_(known),
        pool_(pool),
        tape_(node_.op->body.expression) {
    for (const NodeId operand : node_.operands) operands_.push_back(&known_[at(operand)]);
  }

  NodeBounds run() {
    if (auto fast = weighted_sum()) return std::move(*fast);
    const auto count = static_cast<size_t>(sample_count(node_.shape));
    result_ = {std::vector<double>(count, 0), std::vector<double>(count, 0), false, ""};
    seen_.assign(count, false);
    choose_curves();
    for (PointWalk walk(graph_, id_); walk.valid(); walk.next()) {
      if (!walk.inside()) continue;
      const Interval value = at_point(walk);
      add(walk.write(), value);
    }
    finish();
    return std::move(result_);
  }

 private:
  /// Sums of x or of w x for a constant w: most of the work of a network.
  std::optional<NodeBounds> weighted_sum() {
    const Scalar& body = node_.op->body.expression;
    const bool product = body.kind() == ScalarKind::Multiply &&
                         body.terms()[0].kind() == ScalarKind::Argument &&
                         body.terms()[1].kind() == ScalarKind::Argument;
    if (node_.op->combine != Combine::Sum) return {};
    if (!product && body.kind() != ScalarKind::Argument) return {};
    int data = product ? body.terms()[0].position() : body.position();
    int weight = product ? body.terms()[1].position() : LoopNest::kPoint;
    if (product && operands_[static_cast<size_t>(data)]->is_points()) std::swap(data, weight);
    const NodeBounds& x = *operands_[static_cast<size_t>(data)];
    const NodeBounds* w = product ? operands_[static_cast<size_t>(weight)] : nullptr;
    if (w != nullptr && !w->is_points()) return {};
    const auto is_finite = [](const std::vector<double>& values) {
      return std::ranges::all_of(values, [](double v) { return std::isfinite(v); });
    };
    if (!is_finite(x.low) || !is_finite(x.high) || (w != nullptr && !is_finite(w->low))) return {};
    const int accesses[] = {LoopNest::kResult, weight, data};
    const auto count = static_cast<size_t>(sample_count(node_.shape));
    DirectedSums sums{std::vector<double>(count), std::vector<double>(count)};
    add_products(LoopNest(graph_, id_, accesses), w == nullptr ? nullptr : w->low.data(), x.low.data(),
                 (x.is_points() ? x.low : x.high).data(), sums);
    for (double& value : sums.negated_low) value = -value;
    return NodeBounds{std::move(sums.negated_low), std::move(sums.high), false, ""};
  }

  /// A body that mentions its only interval more than once is taken by its curve.
  void choose_curves() {
    NodeId varying = -1;
    for (size_t k = 0; k < node_.operands.size(); ++k) {
      if (operands_[k]->is_points()) continue;
      if (varying >= 0 && node_.operands[k] != varying) return;
      for (size_t other = 0; other < k; ++other)
        if (node_.operands[other] == node_.operands[k] && node_.loops.reads[other] != node_.loops.reads[k])
          return;
      varying = node_.operands[k];
      varying_ = k;
    }
    if (varying >= 0 && !is_mentioned_once(varying)) curves_.emplace(node_, varying_, pool_);
  }

  /// Interval operations are exact up to rounding then.
  bool is_mentioned_once(NodeId operand) const {
    int count = 0;
    std::vector<Scalar> open{node_.op->body.expression};
    while (!open.empty() && count < 2) {
      const Scalar e = open.back();
      open.pop_back();
      open.insert(open.end(), e.terms().begin(), e.terms().end());
      if (e.kind() == ScalarKind::Argument)
        count += node_.operands[static_cast<size_t>(e.position())] == operand ? 1 : 0;
    }
    return count < 2;
  }

  Interval at_point(const PointWalk& walk) {
    arguments_.clear();
    for (size_t k = 0; k < operands_.size(); ++k) arguments_.push_back(operands_[k]->at(walk.read(k)));
    if (!curves_) return tape_.run(arguments_, walk.labels());
    constants_.clear();
    for (const Interval& argument : arguments_) constants_.push_back(argument.low);
    return curves_->at(constants_, walk.labels())->range(arguments_[varying_]);
  }

  void add(int64_t element, const Interval& value) {
    const auto i = static_cast<size_t>(element);
    Interval total{result_.low[i], result_.high[i]};
    const bool first = !seen_[i];
    seen_[i] = true;
    switch (node_.op->combine) {
      case Combine::Assign: total = value; break;
      case Combine::Sum: total = total + value; break;
      case Combine::Product: total = first ? value : total * value; break;
      case Combine::Max:
        total = first ? value : Interval{std::max(total.low, value.low), std::max(total.high, value.high)};
        break;
      case Combine::Min:
        total = first ? value : Interval{std::min(total.low, value.low), std::min(total.high, value.high)};
        break;
      case Combine::ArgMax:
      case Combine::ArgMin: total = positions(); break;
    }
    result_.low[i] = total.low;
    result_.high[i] = total.high;
  }

  /// What an index of an extremum can be.
  Interval positions() const {
    int64_t count = 1;
    for (const int label : reduced_labels(node_.loops)) {
      const Dim& extent = node_.loops.labels[static_cast<size_t>(label)].extent;
      if (extent.is_symbol()) return {0, kInfinity};
      count *= extent.size();
    }
    return {0, static_cast<double>(std::max<int64_t>(count, 1) - 1)};
  }

  /// A sum over no points is 0, an extremum or product over none is not said here.
  void finish() {
    const Combine combine = node_.op->combine;
    if (combine == Combine::Sum || combine == Combine::Assign) return;
    for (size_t i = 0; i < seen_.size(); ++i)
      if (!seen_[i]) result_.low[i] = -kInfinity, result_.high[i] = kInfinity;
  }

  const Graph& graph_;
  const Node& node_;
  NodeId id_;
  const std::vector<NodeBounds>& known_;
  CurvePool& pool_;
  IntervalTape tape_;
  std::vector<const NodeBounds*> operands_;
  std::optional<PointCurves> curves_;
  size_t varying_ = 0;
  std::vector<Interval> arguments_;
  std::vector<double> constants_;
  NodeBounds result_;
  std::vector<bool> seen_;
};

/// Whether a body is another one for each sample.
bool reads_row_number(const Node& node) {
  return std::ranges::any_of(topological(node.op->body.expression), [&](const Scalar& e) {
    return e.kind() == ScalarKind::Index &&
           node.loops.labels[static_cast<size_t>(e.position())].extent.is_symbol();
  });
}

/// What holds for any number of samples when this holds for one: sums grow away from 0.
void combine_samples(NodeBounds& bounds, Combine combine, const std::string& why) {
  if (combine == Combine::Max || combine == Combine::Min) return;
  for (size_t i = 0; i < bounds.size(); ++i) {
    const bool sums = combine == Combine::Sum;
    if (!sums || bounds.low[i] < 0) bounds.low[i] = -kInfinity;
    if (!sums || bounds.high[i] > 0) bounds.high[i] = kInfinity;
  }
  bounds.reason = why;
}

/// The walk over a graph.
class Walk {
 public:
  Walk(const Graph& graph, const InputBox& box) : graph_(graph), box_(box), facts_(linearity(graph)) {
    for (const auto& [name, intervals] : box.inputs) static_cast<void>(graph.find(name));
  }

  std::vector<NodeBounds> run(const std::vector<NodeId>& wanted) {
    bounds_.resize(at(graph_.size()));
    for (const NodeId id : ancestors(graph_, wanted)) bounds_[at(id)] = of(id);
    return std::move(bounds_);
  }

 private:
  NodeBounds of(NodeId id) {
    const Node& node = graph_.node(id);
    const int64_t count = sample_count(node.shape);
    switch (node.role) {
      case Role::Parameter:
      case Role::Constant: return stored(node.value);
      case Role::Input: return input(id);
      case Role::Random: {
        const auto n = static_cast<size_t>(count);
        return {std::vector<double>(n, 0), std::vector<double>(n, 1), false, ""};
      }
      case Role::Apply:
        if (reads_row_number(node))
          return everything(count, describe(graph_, id) + " depends on the number of the sample");
        break;
      case Role::Scan: break;
    }
    const std::string& mixing = facts_.mixing[at(id)];
    const auto why = [&] { return describe(graph_, id) + " " + mixing; };
    // What one row says of a convolution along a named dimension, or of a lookup, is not what others do.
    if (!mixing.empty() && !facts_.combines[at(id)]) return everything(count, why());
    NodeBounds bounds = Transfer(graph_, id, bounds_, pool_).run();
    if (bounds.high.empty()) bounds.high = bounds.low;
    if (const auto shares = shares_of(graph_, facts_, id, bounds_)) narrow(bounds, *shares);
    if (!mixing.empty()) combine_samples(bounds, node.op->combine, why());
    bounds.constant = is_constant_here(node);
    explain(id, bounds);
    if (bounds.constant && bounds.low == bounds.high) bounds.high.clear();
    return bounds;
  }

  NodeBounds input(NodeId id) const {
    NodeBounds bounds;
    for (const Interval& interval : box_of(graph_, id, box_)) {
      bounds.low.push_back(interval.low);
      bounds.high.push_back(interval.high);
    }
    const bool given =
        box_.inputs.contains(graph_.node(id).name) || (box_.all && is_floating(graph_.node(id).type));
    if (!given) bounds.reason = "the box does not say where input '" + graph_.node(id).name + "' is";
    return bounds;
  }

  bool is_constant_here(const Node& node) const {
    return std::ranges::all_of(node.operands, [&](NodeId operand) { return bounds_[at(operand)].constant; });
  }

  static void narrow(NodeBounds& bounds, const std::vector<Interval>& other) {
    for (size_t i = 0; i < bounds.size(); ++i) {
      const Interval both = intersect({bounds.low[i], bounds.high[i]}, other[i]);
      bounds.low[i] = both.low;
      bounds.high[i] = both.high;
    }
  }

  /// Says where an infinite interval comes from: from its first operand that has one, or from here.
  void explain(NodeId id, NodeBounds& bounds) const {
    const auto infinite = [](double value) { return std::isinf(value); };
    if (!bounds.reason.empty()) return;
    if (std::ranges::none_of(bounds.low, infinite) && std::ranges::none_of(bounds.high, infinite)) return;
    for (const NodeId operand : graph_.node(id).operands)
      if (!bounds_[at(operand)].reason.empty()) bounds.reason = bounds_[at(operand)].reason;
    if (bounds.reason.empty()) bounds.reason = describe(graph_, id) + " has no finite interval on the box";
  }

  const Graph& graph_;
  const InputBox& box_;
  const Linearity facts_;
  CurvePool pool_;
  std::vector<NodeBounds> bounds_;
};

}  // namespace

std::vector<Interval> box_of(const Graph& graph, NodeId input, const InputBox& box) {
  const Node& node = graph.node(input);
  const auto count = static_cast<size_t>(sample_count(node.shape));
  const auto found = box.inputs.find(node.name);
  std::vector<Interval> result(
      count, found == box.inputs.end() && box.all && is_floating(node.type) ? *box.all : Interval{});
  if (found != box.inputs.end()) {
    expect(found->second.size() == count, "[bounds] box of '{}': got {} intervals, want {}", node.name,
           found->second.size(), count);
    result = found->second;
  }
  for (const Interval& interval : result)
    expect(interval.low <= interval.high, "[bounds] box of '{}': got [{}, {}], want low <= high", node.name,
           interval.low, interval.high);
  return result;
}

std::vector<NodeBounds> node_bounds(const Graph& graph, const InputBox& box,
                                    const std::vector<NodeId>& wanted) {
  return Walk(graph, box).run(wanted);
}

}  // namespace crease
