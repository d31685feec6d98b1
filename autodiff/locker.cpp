#include "autodiff/locker.h"

#include <algorithm>
#include <limits>

#include "autodiff/nan_flow.h"
#include "autodiff/selection.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/hold.h"
#include "graph/ops/order.h"
#include "graph/ops/reduction.h"
#include "graph/smooth.h"

namespace crease {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

bool is_extremum(Combine combine) { return combine == Combine::Max || combine == Combine::Min; }

std::optional<Value> sum_of_tangents(const std::optional<Value>& a, const std::optional<Value>& b,
                                     const std::source_location& where) {
  return a && b ? add(*a, *b, where) : a ? a : b;
}

}  // namespace

Locker::Locker(const Graph& graph, size_t directions, const std::source_location& where)
    : graph_(graph.handle()), directions_(directions), where_(where) {
  scans_.reserve(directions);
  for (size_t j = 0; j < directions; ++j) scans_.emplace_back(graph, std::nullopt, where);
}

void Locker::seed(const Value& variable, std::vector<std::optional<Value>> tangents) {
  const auto [it, fresh] = seeds_.emplace(variable.id(), tangents);
  for (size_t j = 0; !fresh && j < directions_; ++j)
    it->second[j] = sum_of_tangents(it->second[j], tangents[j], where_);
  nodes_.insert_or_assign(variable.id(), LockedNode{variable, variable, it->second, {}});
}

/// What is held constant is reached by nothing; as a variable it has the tangents that it is given.
bool Locker::is_reached(NodeId id) const {
  const Node& node = graph_.node(id);
  if (is_held(node)) return false;
  return std::ranges::any_of(node.operands, [this](NodeId k) { return is_locked(k); });
}

void Locker::lock(NodeId id) {
  if (!is_reached(id)) return;
  lock_node(id);
  add_seed(id);
}

void Locker::lock_node(NodeId id) {
  const Node node = graph_.node(id);
  const std::vector<std::optional<Value>> still(directions_);
  if (node.role == Role::Scan) return lock_scan(id, node);
  if (node.role != Role::Apply) {  // random numbers, which only jump
    const Value base = rebase(id, node);
    nodes_.insert_or_assign(id, LockedNode{base, base, still, {}});
    return;
  }
  if (gives_position(node.op->combine)) return lock_position(id, node);
  if (lock_root(id, node)) return;
  LockedNode locked{.base = rebase(id, node), .tangents = {}};
  const bool jumps = scalar_lock(LoopBuilder(graph_, locked.base.id())).can_jump();
  locked.value = jumps ? locked_value(node, locked.base) : locked.base;
  for (size_t j = 0; j < directions_; ++j) locked.tangents.push_back(tangent(node, locked, j));
  nodes_.insert_or_assign(id, std::move(locked));
}

/// What a computed variable moves by, beside what arrives from others. Its own winner is locked by the
/// latter.
void Locker::add_seed(NodeId id) {
  const auto seed = seeds_.find(id);
  if (seed == seeds_.end()) return;
  LockedNode& locked = nodes_.at(id);
  for (size_t j = 0; j < directions_; ++j)
    locked.tangents[j] = sum_of_tangents(locked.tangents[j], seed->second[j], where_);
}

/// The position of the point that attains the extremum and moves furthest: the first of them, or the first
/// NaN.
void Locker::lock_position(NodeId id, const Node& node) {
  const Node extremum = with_extremum(graph_, node);
  LockedNode locked{.base = graph_.copy(extremum, locked_operands(node)), .tangents = {}};
  locked.value = locked.base;
  for (size_t j = 0; j < directions_; ++j) locked.tangents.push_back(tangent(extremum, locked, j));
  LoopBuilder builder(graph_, locked.base.id());
  const Scalar here = builder.over_operands(builder.body());
  const Scalar order = select(attains(builder, extremum, locked, directions_), 1, 0);
  builder.keep_bounds();
  const Value position = builder.build("locked_position", select(equal(here, here), order, 2),
                                       node.loops.write, node.shape, Combine::ArgMax, node.type, where_);
  nodes_.insert_or_assign(id, LockedNode{position, position, decltype(locked.tangents)(directions_), {}});
  extrema_.insert_or_assign(id, std::move(locked));
}

/// Locks the node as a root of squares, if it is one whose squares move.
bool Locker::lock_root(NodeId id, const Node& node) {
  const auto form = root_of_squares(graph_, id, where_);
  if (!form) return false;
  std::vector<LockedNode> operands;
  bool moves = false;
  for (const NodeId operand : graph_.node(form->squares.id()).operands) {
    const auto it = nodes_.find(operand);
    const Value value = graph_.value(operand);
    const std::vector<std::optional<Value>> still(directions_);
    operands.push_back(it != nodes_.end() ? it->second : LockedNode{value, value, still, {}});
    moves = moves || it != nodes_.end();
  }
  if (!moves) return false;
  const Value base = rebase(id, node);
  const auto [it, fresh] =
      roots_.emplace(id, LockedRoot(graph_, *form, base, std::move(operands), directions_, where_));
  LockedNode locked{.base = base, .value = base, .tangents = {}};
  for (size_t j = 0; j < directions_; ++j) locked.tangents.push_back(it->second.tangent(j));
  nodes_.insert_or_assign(id, std::move(locked));
  return true;
}

std::vector<NodeId> Locker::operands(NodeId id) const {
  const auto root = roots_.find(id);
  return root != roots_.end() ? root->second.operands() : graph_.node(id).operands;
}

/// Kinks inside are decided by one direction alone; a smooth loop has none.
void Locker::lock_scan(NodeId id, const Node& node) {
  expect(directions_ == 1 || is_smooth(node.scan->body),
         "[lock] a loop over time is locked in one direction only: got {} (node {}, at {})", directions_,
         describe(graph_, id), to_string(where_));
  LockedNode locked{.tangents = {}};
  for (size_t j = 0; j < directions_; ++j) {
    std::vector<Value> operands;
    std::vector<std::optional<Value>> tangents;
    for (const NodeId operand : node.operands) {
      const auto found = nodes_.find(operand);
      const bool moves = found != nodes_.end();
      operands.push_back(moves ? found->second.value : graph_.value(operand));
      tangents.push_back(moves ? found->second.tangents[j] : std::nullopt);
    }
    const ScanTangents::Result result = scans_[j].of(id, operands, tangents);
    if (j == 0) locked.base = locked.value = result.value;
    locked.tangents.push_back(result.tangent);
  }
  nodes_.insert_or_assign(id, std::move(locked));
}

void Locker::lock_for_reverse(NodeId id) {
  if (!is_reached(id)) return;
  lock_node(id);
  const Node node = graph_.node(id);
  if (const auto root = roots_.find(id); root != roots_.end()) {
    hits_.push_back(root->second.hits());
    unresolved_.push_back(root->second.unresolved());
  } else if (node.role == Role::Apply) {
    const auto extremum = extrema_.find(id);
    LockedNode& locked = extremum != extrema_.end() ? extremum->second : nodes_.at(id);
    if (is_extremum(node.op->combine)) locked.winner = winner(node, locked);
    count_hits(id, node);
    count_unresolved(with_extremum(graph_, node), locked);
  }
  add_seed(id);
}

std::optional<Contribution> Locker::adjoint(NodeId id, int k, const Value& dy, bool follows_nan) const {
  if (const auto root = roots_.find(id); root != roots_.end()) {
    const auto value = root->second.adjoint(k, dy);
    return value ? std::optional(Contribution{*value, false}) : std::nullopt;
  }
  const Node node = graph_.node(id);
  const LockedNode& locked = nodes_.at(id);
  LoopBuilder builder(graph_, locked.base.id());
  if (builder.representative(k) != k || is_held(node)) return {};
  const NanFlow flow = nan_flow(
      graph_, builder, k, follows_nan, [&](AtNan at_nan) { return scalar_lock(builder).slope(k, at_nan); },
      static_cast<int>(node.operands.size() * (1 + directions_)));
  const Scalar slope = arguments(builder, node, flow.slope);
  if (slope.is_constant(0)) return {};
  const Scalar factor = builder.read(dy, node.loops.write);
  const Scalar body = strong_product(strong_product(factor, slope), weight(builder, node, locked));
  builder.keep_bounds();
  const Access& write = node.loops.reads[static_cast<size_t>(k)];
  const Node operand = graph_.node(node.operands[static_cast<size_t>(k)]);
  const Combine combine = is_injective(write, node.loops.labels) ? Combine::Assign : Combine::Sum;
  return Contribution{
      builder.build("locked_d_" + node.op->name, body, write, operand.shape, combine, operand.type, where_),
      flow.follows_nan};
}

Value Locker::hits() const { return total(hits_); }
Value Locker::unresolved() const { return total(unresolved_); }

ScalarLock Locker::scalar_lock(const LoopBuilder& builder) const {
  return {builder.stored_body(), static_cast<int>(builder.node().operands.size()),
          static_cast<int>(directions_)};
}

std::vector<Value> Locker::locked_operands(const Node& node) const {
  std::vector<Value> operands;
  for (const NodeId operand : node.operands) {
    const auto it = nodes_.find(operand);
    operands.push_back(it != nodes_.end() ? it->second.value : graph_.value(operand));
  }
  return operands;
}

/// The node itself, or a copy over operands whose locked values differ.
Value Locker::rebase(NodeId id, const Node& node) {
  const std::vector<Value> operands = locked_operands(node);
  const bool same = std::ranges::equal(operands, node.operands, {}, &Value::id);
  return same ? graph_.value(id) : graph_.copy(node, operands);
}

bool Locker::moves(const LoopBuilder& builder, const Node& node, size_t k, size_t direction) const {
  const auto it = nodes_.find(node.operands[k]);
  const bool first = builder.representative(static_cast<int>(k)) == static_cast<int>(k);
  return first && it != nodes_.end() && it->second.tangents[direction];
}

/// An expression over arguments and tangents of the node, in terms of the builder's reads. `node` is the
/// original: its operands name the tangents. Tangents that are 0 go first, and take with them the operands
/// that only they are multiplied with.
Scalar Locker::arguments(LoopBuilder& builder, const Node& node, const Scalar& expression) const {
  const size_t count = node.operands.size();
  std::vector<Scalar> list(count * (1 + directions_));
  for (size_t k = 0; k < count; ++k) {
    list[k] = Scalar::argument(static_cast<int>(k));
    for (size_t j = 0; j < directions_; ++j)
      if (moves(builder, node, k, j))
        list[count * (1 + j) + k] = Scalar::argument(static_cast<int>(count * (1 + j) + k));
  }
  const Scalar pruned = substitute(expression, list);
  for (size_t at = 0; at < list.size(); ++at) {
    const size_t k = at % count;
    if (!depends_on(pruned, static_cast<int>(at)))
      list[at] = 0;
    else if (at < count)
      list[at] = builder.operand(static_cast<int>(k));
    else
      list[at] = builder.read(*nodes_.at(node.operands[k]).tangents[at / count - 1], node.loops.reads[k]);
  }
  return substitute(pruned, list);
}

Value Locker::locked_value(const Node& node, const Value& base) const {
  LoopBuilder builder(graph_, base.id());
  const Scalar body = arguments(builder, node, scalar_lock(builder).value());
  builder.keep_bounds();
  return builder.build("locked_" + node.op->name, body, node.loops.write, node.shape, node.op->combine,
                       node.type, where_);
}

/// Whether this point attains the extremum, and moves as far as it does in the first `directions` directions.
Scalar Locker::attains(LoopBuilder& builder, const Node& node, const LockedNode& locked,
                       size_t directions) const {
  const ScalarLock lock = scalar_lock(builder);
  Scalar result =
      equal(arguments(builder, node, builder.body()), builder.read(locked.base, node.loops.write));
  for (size_t j = 0; j < directions; ++j) {
    if (!locked.tangents[j]) continue;
    const Scalar here = arguments(builder, node, lock.tangent(static_cast<int>(j)));
    result = result && equal(here, builder.read(*locked.tangents[j], node.loops.write));
  }
  return result;
}

/// The tangent of a contraction: one contraction for each operand that moves, which code for matrix products
/// serves, where a single loop over the sum of their bodies would be none.
std::optional<Value> Locker::tangent_of_contraction(const Node& node, const LockedNode& locked,
                                                    size_t direction) const {
  std::optional<Value> total;
  for (int k = 0; k < static_cast<int>(node.operands.size()); ++k) {
    LoopBuilder builder(graph_, locked.base.id());
    if (!moves(builder, node, static_cast<size_t>(k), direction)) continue;
    const auto it = nodes_.find(node.operands[static_cast<size_t>(k)]);
    const Scalar slope_k = builder.over_operands(slope(builder.body(), k, Side::Left));
    const Scalar move =
        builder.read(*it->second.tangents[direction], node.loops.reads[static_cast<size_t>(k)]);
    const Scalar body = strong_product(move, slope_k);
    if (body.is_constant(0)) continue;
    builder.keep_bounds();
    const Value part = builder.build("t_" + node.op->name, body, node.loops.write, node.shape,
                                     node.op->combine, node.type, where_);
    total = total ? add(*total, part, where_) : part;
  }
  return total;
}

std::optional<Value> Locker::tangent(const Node& node, const LockedNode& locked, size_t direction) const {
  Combine combine = node.op->combine;
  if (!is_floating(node.type)) return {};
  if (family(*node.op, node.loops) == Family::Contraction &&
      kink_conditions(node.op->body.expression).empty())
    return tangent_of_contraction(node, locked, direction);
  LoopBuilder builder(graph_, locked.base.id());
  Scalar body = arguments(builder, node, scalar_lock(builder).tangent(static_cast<int>(direction)));
  if (body.is_constant(0)) return {};
  if (is_extremum(combine)) {
    // Among the points that attain the extremum and were level in earlier directions, the one that moves
    // furthest wins.
    body = select(attains(builder, node, locked, direction), body,
                  combine == Combine::Max ? -infinity : infinity);
  } else if (combine == Combine::Product) {
    body = strong_product(body, combine_weight(builder, graph_, locked.base.id(), Tie::left, where_));
    combine = Combine::Sum;
  }
  builder.keep_bounds();
  const Value result =
      builder.build("t_" + node.op->name, body, node.loops.write, node.shape, combine, node.type, where_);
  return is_extremum(combine) ? settled(result, locked.base, combine) : result;
}

/// Where no point attains the extremum: NaN beside NaN, 0 over no points.
Value Locker::settled(const Value& tangent, const Value& extremum, Combine combine) const {
  const double none = combine == Combine::Max ? -infinity : infinity;
  const Op where_attained{.name = "t_settled",
                          .doc = "The tangent of an extremum, where points attain it.",
                          .body =
                              [=](Scalar t, Scalar y) {
                                return select(equal(y, y), select(equal(y, none) && equal(t, none), 0, t),
                                              std::numeric_limits<double>::quiet_NaN());
                              },
                          .attributes = {{"decided", 1}}};
  return where_attained(tangent, extremum, where_);
}

Value Locker::winner(const Node& node, const LockedNode& locked) const {
  LoopBuilder builder(graph_, locked.base.id());
  const Scalar body =
      select(attains(builder, node, locked, directions_), combined_position(node.loops), infinity);
  builder.keep_bounds();
  return builder.build("locked_winner", body, node.loops.write, node.shape, Combine::Min, node.type, where_);
}

Scalar Locker::weight(LoopBuilder& builder, const Node& node, const LockedNode& locked) const {
  if (!is_extremum(node.op->combine))
    return combine_weight(builder, graph_, locked.base.id(), Tie::left, where_);
  return select(equal(combined_position(node.loops), builder.read(*locked.winner, node.loops.write)), 1, 0);
}

/// The kinks of the node itself, locked or not.
void Locker::count_hits(NodeId id, const Node& node) {
  LoopBuilder builder(graph_, id);
  if (!order_of(*node.op)) tally(hits_, builder, builder.over_operands(scalar_lock(builder).hits()));
  if (!picks_extreme(node.op->combine)) return;
  LoopBuilder points(graph_, id);
  const Scalar here = points.over_operands(points.body());
  tally_ties(hits_, points, node, equal(here, points.read(extremum_of(graph_, id), node.loops.write)));
}

void Locker::count_unresolved(const Node& node, const LockedNode& locked) {
  LoopBuilder builder(graph_, locked.base.id());
  if (!order_of(*node.op))
    tally(unresolved_, builder, arguments(builder, node, scalar_lock(builder).unresolved()));
  if (!is_extremum(node.op->combine)) return;
  LoopBuilder points(graph_, locked.base.id());
  tally_ties(unresolved_, points, node, attains(points, node, locked, directions_));
}

/// In f64, which holds as many as there are.
Value Locker::sum_of(const Value& points) const {
  LoopBuilder builder(graph_, points.id());
  const Scalar each = builder.read(points, builder.node().loops.write);
  return builder.build("count_kinks", each, {}, {}, Combine::Sum, Type::f64, where_);
}

void Locker::tally(std::vector<Value>& list, LoopBuilder& builder, const Scalar& kinks) const {
  if (kinks.is_constant(0)) return;
  list.push_back(sum_of(builder.build_at_points("kinks", kinks, builder.arithmetic(), where_)));
}

void Locker::tally_ties(std::vector<Value>& list, LoopBuilder& builder, const Node& node,
                        const Scalar& attains) const {
  builder.keep_bounds();
  const Value tied = builder.build("count_tied", select(attains, 1, 0), node.loops.write, node.shape,
                                   Combine::Sum, builder.arithmetic(), where_);
  static const Op several{.name = "several", .doc = "1 where more than one.", .body = [](Scalar n) {
                            return select(n > 1, 1, 0);
                          }};
  list.push_back(sum_of(several(tied, where_)));
}

Value Locker::total(const std::vector<Value>& list) const {
  Value result = graph_.handle().constant(0.0, Type::f64, where_);
  for (const Value& part : list) result = add(result, part, where_);
  return result;
}

}  // namespace crease
