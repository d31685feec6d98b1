#include "autodiff/census.h"

#include <algorithm>
#include <set>

#include "autodiff/loop_builder.h"
#include "autodiff/reach.h"
#include "autodiff/selection.h"
#include "graph/error.h"
#include "graph/ops/order.h"
#include "graph/scalar/lock.h"

namespace crease {
namespace {

constexpr std::string_view prefix = "kinks/";

bool is_extremum(const Op& op) { return op.combine == Combine::Max || op.combine == Combine::Min; }

std::string label_of(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (!node.name.empty()) return node.name;
  for (const NodeId operand : node.operands)
    if (const std::string& name = graph.node(operand).name; !name.empty())
      return fmt::format("{}:{}", node.op->name, name);
  return fmt::format("{}_{}", node.op->name, id);
}

/// Arguments of an expression as bits.
uint64_t arguments_of(const Scalar& expression) {
  uint64_t bits = 0;
  for (int k = 0; k < std::min(arity(expression), 64); ++k)
    if (depends_on(expression, k)) bits |= uint64_t{1} << k;
  return bits;
}

/// The numbers that argument k is compared with, if the body compares nothing else: what holds at a kink
/// holds at one of these.
std::optional<std::vector<double>> knots_of(const Scalar& body, int k) {
  std::vector<double> knots;
  for (const Scalar& condition : kink_conditions(body)) {
    Scalar x = condition, c = condition;
    for (const Scalar& term : condition.terms()) (term.kind() == ScalarKind::Constant ? c : x) = term;
    if (c.kind() != ScalarKind::Constant || !x.same(Scalar::argument(k))) return {};
    knots.push_back(c.constant());
  }
  return knots;
}

bool reads_labels(const Scalar& expression) {
  bool reads = false;
  rewrite(expression, [&](const Scalar& node, std::span<const Scalar>) {
    reads |= node.kind() == ScalarKind::Index || node.kind() == ScalarKind::Size;
    return node;
  });
  return reads;
}

/// A condition on argument k alone that can hold at the knots only, decided now; as it is if there are none.
Scalar decided_at_knots(const Scalar& condition, const Scalar& body, int k, Type type) {
  const auto knots = knots_of(body, k);
  if (!knots || arguments_of(condition) != uint64_t{1} << k || reads_labels(condition)) return condition;
  std::vector<double> arguments(static_cast<size_t>(k) + 1, 0.0);
  Scalar result = 0;
  for (const double knot : *knots) {
    arguments.back() = type == Type::f64 ? knot : static_cast<double>(static_cast<float>(knot));
    const ScalarContext at{.arguments = arguments};
    const double holds = type == Type::f64 ? evaluate(condition, at) : evaluate_f32(condition, at);
    if (holds != 0) result = result || equal(Scalar::argument(k), knot);
  }
  return result;
}

/// Appends the counters of one node.
class Counter {
 public:
  Counter(const Graph& graph, NodeId id, std::vector<int> moving, std::optional<Value> adjoint,
          std::string row)
      : graph_(graph.handle()),
        id_(id),
        node_(graph_.node(id)),
        moving_(std::move(moving)),
        adjoint_(std::move(adjoint)),
        row_(std::move(row)) {}

  void run() {
    if (is_floating(node_.type)) count_kinks();
    if (is_extremum(*node_.op)) count_ties();
    count_jumps();
  }

 private:
  /// Whether the slopes in some moving operand differ.
  Scalar hit(LoopBuilder& builder) const {
    Scalar result = 0;
    for (const int k : moving_) {
      if (builder.representative(k) != k) continue;
      const Scalar left = slope(builder.body(), k, Side::Left, builder.constants());
      const Scalar right = slope(builder.body(), k, Side::Right, builder.constants());
      if (left.same(right)) continue;
      const Scalar differ = left < right || right < left;
      result = result || decided_at_knots(differ, builder.body(), k, node_.type);
    }
    return result;
  }

  /// Whether different moving arguments are equal in a max or min.
  Scalar pair(const LoopBuilder& builder) const {
    Scalar result = 0;
    uint64_t moving = 0;
    for (const int k : moving_)
      if (k < 64) moving |= uint64_t{1} << k;
    rewrite(builder.body(), [&](const Scalar& at, std::span<const Scalar>) {
      if (at.kind() != ScalarKind::Max && at.kind() != ScalarKind::Min) return at;
      const Scalar first = at.terms()[0], second = at.terms()[1];
      const uint64_t a = arguments_of(first) & moving, b = arguments_of(second) & moving;
      if (a != 0 && b != 0 && a != b) result = result || equal(first, second);
      return at;
    });
    return result;
  }

  Scalar is_extreme(LoopBuilder& builder) const {
    if (!is_extremum(*node_.op)) return 1;
    return equal(builder.over_operands(builder.body()), builder.read(graph_.value(id_), node_.loops.write));
  }

  void count_kinks() {
    if (order_of(*node_.op)) return;
    LoopBuilder builder(graph_, id_);
    const Scalar hits = hit(builder);
    if (hits.is_constant(0)) return;
    const Scalar here = builder.over_operands(hits) && is_extreme(builder);
    count("hits", builder, here);
    if (adjoint_) {
      LoopBuilder other(graph_, id_);
      const Scalar on = other.over_operands(hits) && is_extreme(other);
      count("live", other, on && !equal(other.read(*adjoint_, node_.loops.write), 0));
    }
    LoopBuilder paired(graph_, id_);
    const Scalar pairs = pair(paired);
    if (!pairs.is_constant(0))
      count("pairs", paired, paired.over_operands(hits) && paired.over_operands(pairs) && is_extreme(paired));
  }

  void count_ties() {
    const Value tied = tied_count(graph_, id_, node_.where);
    const auto several = [&](LoopBuilder& builder) { return builder.over_operands(builder.body()) > 1; };
    static const Op same{.name = "tied", .doc = "As it is.", .body = [](Scalar x) { return x; }};
    const Value copy = same(tied, node_.where);
    LoopBuilder ties(graph_, copy.id());
    count("ties", ties, several(ties));
    if (!adjoint_) return;
    LoopBuilder live(graph_, copy.id());
    const Scalar here = several(live);
    count("live_ties", live, here && !equal(live.read(*adjoint_, live.node().loops.write), 0));
  }

  void count_jumps() {
    LoopBuilder builder(graph_, id_);
    const auto arguments = static_cast<int>(node_.operands.size());
    const ScalarLock lock(builder.body(), arguments, 1);
    if (order_of(*node_.op) || !lock.can_jump()) return;
    const Scalar locked = lock.value();
    Scalar jumps = 0;
    for (const int k : moving_) {
      if (builder.representative(k) != k) continue;
      for (const double tangent : {-1.0, 1.0}) {
        std::vector<Scalar> list(2 * static_cast<size_t>(arguments));
        for (int i = 0; i < arguments; ++i) list[static_cast<size_t>(i)] = Scalar::argument(i);
        list[static_cast<size_t>(arguments + k)] = tangent;
        const Scalar beside = substitute(locked, list);
        const Scalar differ = beside < builder.body() || builder.body() < beside;
        jumps = jumps || decided_at_knots(differ, builder.body(), k,
                                          graph_.node(node_.operands[static_cast<size_t>(k)]).type);
      }
    }
    if (!jumps.is_constant(0)) count("jumps", builder, builder.over_operands(jumps) && is_extreme(builder));
  }

  /// Output "kinks/<row>/<what>": the number of points of `builder`'s loops at which `here` holds.
  void count(const char* what, LoopBuilder& builder, const Scalar& here) {
    const Value points = builder.build_at_points(fmt::format("is_{}_{}", what, node_.op->name), here,
                                                 Type::boolean, node_.where);
    LoopBuilder sum(graph_, points.id());
    const Scalar one = sum.read(points, sum.node().loops.write);
    const Value number =
        sum.build(fmt::format("count_{}", node_.op->name), one, {}, {}, Combine::Sum, Type::i64, node_.where);
    graph_.output(fmt::format("{}{}/{}", prefix, row_, what), number);
  }

  Graph graph_;
  NodeId id_;
  Node node_;
  std::vector<int> moving_;  // operands that the variables move
  std::optional<Value> adjoint_;
  std::string row_;
};

/// "kinks/3/relu:dense1/hits" in its parts; empty for other outputs.
struct Key {
  std::string row, label, what;
};
std::optional<Key> key_of(const std::string& output) {
  if (!output.starts_with(prefix)) return {};
  const size_t first = output.find('/', prefix.size()), last = output.rfind('/');
  if (first == std::string::npos || last <= first) return {};
  return Key{output.substr(0, first), output.substr(first + 1, last - first - 1), output.substr(last + 1)};
}

size_t rows_of(const Graph& graph) {
  std::set<std::string> rows;
  for (const Output& output : graph.outputs())
    if (const auto key = key_of(output.name)) rows.insert(key->row);
  return rows.size();
}

int64_t points_of(const Graph& graph, const Node& count, const Sizes& sizes) {
  int64_t points = 1;
  for (const int64_t size : sizes_of(graph.node(count.operands[0]).shape, sizes)) points *= size;
  return points;
}

}  // namespace

void add_census(const Graph& graph, ValueSpan outputs, ValueSpan wrt,
                const std::map<NodeId, Value>& adjoints) {
  const std::vector<bool> watched = reached(graph, outputs, wrt);
  size_t row = rows_of(graph);
  for (NodeId id = 0; id < static_cast<NodeId>(watched.size()); ++id) {
    if (!watched[static_cast<size_t>(id)] || graph.node(id).role != Role::Apply) continue;
    const Node& node = graph.node(id);
    if (is_decided(*node.op)) continue;
    std::vector<int> moving;
    for (size_t k = 0; k < node.operands.size(); ++k)
      if (const NodeId operand = node.operands[k];
          watched[static_cast<size_t>(operand)] && is_floating(graph.node(operand).type))
        moving.push_back(static_cast<int>(k));
    if (moving.empty()) continue;
    const auto adjoint = adjoints.find(id);
    const size_t before = graph.outputs().size();
    Counter(graph, id, std::move(moving),
            adjoint == adjoints.end() ? std::nullopt : std::optional(adjoint->second),
            fmt::format("{}/{}", row, label_of(graph, id)))
        .run();
    if (graph.outputs().size() > before) ++row;
  }
}

std::vector<KinkCounts> census_of(const Graph& graph, const Bindings& inputs, const NamedTensors& results) {
  std::vector<KinkCounts> census;
  std::string row;
  const Sizes sizes = bind(graph, inputs);
  for (const Output& output : graph.outputs()) {
    const auto key = key_of(output.name);
    if (!key) continue;
    const Node& node = graph.node(output.node);
    if (key->row != row) {
      row = key->row;
      census.push_back({.node = key->label, .operation = node.op->name.substr(6), .where = node.where});
    }
    KinkCounts& counts = census.back();
    counts.elements = points_of(graph, node, sizes);
    const auto number = static_cast<int64_t>(results.at(output.name).item());
    const std::string& what = key->what;
    if (what == "hits" || what == "ties") counts.hits += number;
    if (what == "ties" || what == "pairs") counts.ties += number;
    if (what == "jumps") counts.jumps += number;
    if (what == "live" || what == "live_ties") counts.live += number;
  }
  return census;
}

void add_to(std::vector<KinkCounts>& total, const std::vector<KinkCounts>& run) {
  if (total.empty()) {
    total = run;
    return;
  }
  ensure(total.size() == run.size(), "[census] counts of {} nodes and {}", total.size(), run.size());
  for (size_t i = 0; i < run.size(); ++i) {
    total[i].elements += run[i].elements;
    total[i].hits += run[i].hits;
    total[i].ties += run[i].ties;
    total[i].jumps += run[i].jumps;
    total[i].live += run[i].live;
  }
}

std::string to_string(const std::vector<KinkCounts>& census) {
  size_t width = 4;
  for (const KinkCounts& it : census) width = std::max(width, it.node.size());
  std::string text = fmt::format("{:{}}  {:>14}  {:>10}  {:>10}  {:>10}  {:>10}\n", "node", width, "elements",
                                 "hits", "ties", "jumps", "live");
  for (const KinkCounts& it : census)
    text += fmt::format("{:{}}  {:>14}  {:>10}  {:>10}  {:>10}  {:>10}\n", it.node, width, it.elements,
                        it.hits, it.ties, it.jumps, it.live);
  return text;
}

}  // namespace crease
