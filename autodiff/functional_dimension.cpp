#include "autodiff/functional_dimension.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "autodiff/reverse.h"
#include "graph/analysis/balance/balance.h"
#include "graph/analysis/exact.h"
#include "graph/analysis/points.h"
#include "graph/analysis/rational.h"
#include "graph/analysis/regions/explore.h"
#include "graph/analysis/scaling.h"
#include "graph/error.h"
#include "graph/ops/hold.h"

namespace crease {
namespace {

/// Entries of parameters that count, in one flat order.
struct Columns {
  std::map<NodeId, std::vector<int64_t>> column;  // by element; -1: not counted
  int64_t count = 0;
};

Columns columns_of(const Graph& graph, const FunctionalDimensionOptions& options) {
  Columns result;
  for (const NodeId id : graph.parameters()) {
    const Node& node = graph.node(id);
    if (!is_floating(node.type) || options.fixed.contains(node.name)) continue;
    const auto absent = options.absent.find(node.name);
    for (int64_t i = 0; i < node.value.count(); ++i) {
      const bool counts = absent == options.absent.end() || !absent->second.contains(i);
      result.column[id].push_back(counts ? result.count++ : -1);
    }
  }
  return result;
}

/// Rank of the group's action on the entries that count and for which `moves(column, parameter, element)`.
template <class Moves>
int64_t scaling_rank(const ScalingGroup& group, const Columns& columns, const Moves& moves) {
  std::vector<MatrixEntry> entries;
  for (const auto& [id, column] : columns.column) {
    const auto exponents = group.exponents(id);
    for (size_t i = 0; i < exponents.size(); ++i)
      for (const auto& [k, coefficient] : exponents[i])
        if (column[i] >= 0 && moves(column[i], id, static_cast<int64_t>(i)))
          entries.push_back({k, column[i], coefficient});
  }
  if (entries.empty()) return 0;
  return ExactMatrix::from(group.dimension(), columns.count, entries).rank(group.dimension());
}

/// Columns that are not 0.
std::vector<bool> used_columns(const std::vector<std::vector<Rational>>& rows, int64_t count) {
  std::vector<bool> used(static_cast<size_t>(count));
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c)
      if (!row[c].is_zero()) used[c] = true;
  return used;
}

/// A bound of the Jacobian's rank: the columns that are used, less the directions along orbits of the group,
/// which it sends to 0. A rank that reaches it needs no further proof.
int64_t greatest_rank(const Graph& graph, const ScalingGroup& group, const Columns& columns,
                      const std::vector<bool>& used) {
  const auto most = static_cast<int64_t>(std::ranges::count(used, true));
  for (const auto& [id, column] : columns.column)
    for (size_t i = 0; i < column.size(); ++i)  // an orbit that leaves the entries that count bounds nothing
      if (column[i] < 0 && graph.node(id).value.at(static_cast<int64_t>(i)) != 0) return most;
  return most - scaling_rank(group, columns, [&](int64_t place, NodeId id, int64_t element) {
           return used[static_cast<size_t>(place)] && graph.node(id).value.at(element) != 0;
         });
}

/// The gradient of one element of one output, under one rule at kinks.
class Jacobian {
 public:
  Jacobian(const Graph& graph, const Columns& columns, const Tie& tie) : graph_(graph), columns_(columns) {
    std::vector<Value> parameters;
    parameters.reserve(columns.column.size());
    for (const auto& [id, column] : columns.column) parameters.push_back(graph_.value(id));
    for (const Output& output : graph.outputs()) {
      const Node& node = graph_.node(output.node);
      if (!is_floating(node.type)) continue;
      const Value seed = graph_.input(fmt::format("functional_dimension/cotangent/{}", parts_.size()),
                                      node.shape, node.type);
      const Value value = graph_.value(output.node);
      Part part{.seed = seed.id(), .elements = sample_count(node.shape), .gradients = {}};
      for (const Value& gradient : vjp(std::span(&value, 1), parameters, std::span(&seed, 1), {.tie = tie}))
        part.gradients.push_back(gradient.id());
      for (const NodeId id : ancestors(graph_, part.gradients))
        if (graph_.node(id).role == Role::Apply && !has_lookup(graph_.node(id)))
          work_ += part.elements * PointWalk(graph_, id).count();
      parts_.push_back(std::move(part));
    }
  }

  /// Loop points of its rows at one point.
  int64_t work() const { return work_; }

  /// Rows at a point, one an output element; nothing where a number is not rational.
  std::optional<std::vector<std::vector<Rational>>> rows(const Point& point) const {
    std::vector<std::vector<Rational>> result;
    std::map<NodeId, ExactValues> inputs = inputs_at(point);
    for (const Part& part : parts_)
      for (int64_t element = 0; element < part.elements; ++element) {
        ExactValues one_hot(static_cast<size_t>(part.elements), 0);
        one_hot[static_cast<size_t>(element)] = 1;
        inputs[part.seed] = one_hot;
        const auto values = evaluate_exactly(graph_, inputs, part.gradients);
        if (!values) return {};
        result.push_back(row_of(*values, part));
      }
    return result;
  }

 private:
  struct Part {
    NodeId seed;
    int64_t elements;
    std::vector<NodeId> gradients;  // in the order of columns_
  };

  Graph graph_;
  const Columns& columns_;
  std::vector<Part> parts_;
  int64_t work_ = 0;

  std::map<NodeId, ExactValues> inputs_at(const Point& point) const {
    std::map<NodeId, ExactValues> inputs;
    auto next = point.begin();
    for (const NodeId id : graph_.inputs()) {
      if (next == point.end()) break;  // cotangents come last
      const int64_t count = sample_count(graph_.node(id).shape);
      inputs[id].assign(next, next + count);
      next += count;
    }
    return inputs;
  }

  std::vector<Rational> row_of(const std::map<NodeId, ExactValues>& values, const Part& part) const {
    std::vector<Rational> row(static_cast<size_t>(columns_.count), 0);
    size_t next = 0;
    for (const auto& [id, column] : columns_.column) {
      const ExactValues& gradient = values.at(part.gradients[next++]);
      for (size_t i = 0; i < gradient.size(); ++i)
        if (column[i] >= 0) row[static_cast<size_t>(column[i])] = gradient[i];
    }
    return row;
  }
};

bool is_inside(const Cell& cell, const Point& point) {
  return std::ranges::all_of(cell.faces(), [&](const AffineFunction& f) { return f.at(point).sign() > 0; });
}

constexpr int64_t kFinest = -200;

/// A point inside the cell, on a grid of powers of two if one is fine enough: numbers of few bits keep all
/// that follows cheap.
Point simple_point_inside(const Cell& cell) {
  Point center = cell.interior();
  for (int64_t exponent = 0; exponent > kFinest; exponent -= 4) {
    const Rational step = Rational::dyadic(1, exponent);
    Point point;
    for (const Rational& coordinate : center) point.push_back((coordinate / step).floor() * step);
    if (is_inside(cell, point)) return point;
  }
  return center;
}

/// n + 1 points of a cell in general position.
std::vector<Point> points_inside(const Cell& cell) {
  const Point first = simple_point_inside(cell);
  std::vector<Point> result{first};
  for (size_t axis = 0; axis < first.size(); ++axis)
    for (int64_t exponent = 0; exponent > kFinest; --exponent) {
      Point point = first;
      point[axis] += Rational::dyadic(1, exponent);
      if (!is_inside(cell, point)) continue;
      result.push_back(std::move(point));
      break;
    }
  return result;
}

std::vector<Point> random_points(size_t dimension, int64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int64_t> number(-4096, 4096);
  std::vector<Point> result(static_cast<size_t>(count), Point(dimension));
  for (size_t k = 0; k < result.size(); ++k)
    for (Rational& coordinate : result[k])
      coordinate = Rational::dyadic(number(random), k % 2 == 0 ? -11 : -8);
  return result;
}

/// Points that tell the rank, and whether they are enough for sure.
std::pair<std::vector<Point>, bool> points_for(const Graph& graph,
                                               const FunctionalDimensionOptions& options) {
  const size_t dimension = input_elements(graph);
  std::vector<NodeId> wanted;
  for (const Output& output : graph.outputs()) wanted.push_back(output.node);
  constexpr size_t most_dimensions = 4;  // beyond: a network of one piece only
  const int64_t cells = dimension <= most_dimensions ? 600 : 1;
  const Exploration pieces =
      explore(graph, input_space(graph), wanted, {.cells = cells, .work = kSecondOfWork});
  if (pieces.complete) {
    std::vector<Point> points;
    for (const AffineCell& piece : pieces.cells)
      for (Point& point : points_inside(piece.cell)) points.push_back(std::move(point));
    return {std::move(points), true};
  }
  return {random_points(dimension, options.samples, options.seed), false};
}

/// At most `limit`, which is known to bound it.
int64_t rank_of(const std::vector<std::vector<Rational>>& rows, int64_t columns, int64_t limit) {
  std::vector<MatrixEntry> entries;
  for (size_t r = 0; r < rows.size(); ++r)
    for (size_t c = 0; c < rows[r].size(); ++c)
      if (!rows[r][c].is_zero())
        entries.push_back({static_cast<int64_t>(r), static_cast<int64_t>(c), rows[r][c]});
  if (entries.empty()) return 0;
  const auto count = static_cast<int64_t>(rows.size());
  return ExactMatrix::from(count, columns, entries).rank(std::min({count, columns, limit}));
}

}  // namespace

FunctionalDimension functional_dimension(const Graph& graph, const FunctionalDimensionOptions& options) {
  expect(!graph.outputs().empty(), "[functional_dimension] the graph has no outputs: got 0, want at least 1");
  const Columns columns = columns_of(graph, options);
  FunctionalDimension result{.parameters = columns.count};
  if (columns.count > options.parameter_limit) {
    result.reason =
        fmt::format("there are {} parameters, the limit is {}", columns.count, options.parameter_limit);
    return result;
  }
  if (const auto held = held_in_network(graph)) {
    result.reason =
        fmt::format("stop_gradient holds node {} constant: gradients are not those of the function",
                    describe(graph, *held));
    return result;
  }
  if (columns.count == 0) {
    result.reason = "there is no parameter";
    return result;
  }
  const ScalingGroup group = scaling_group(graph, {.fixed = options.fixed});
  result.explained_by_scaling = scaling_rank(group, columns, [](int64_t, NodeId, int64_t) { return true; });
  const Jacobian left(graph, columns, Tie::left), middle(graph, columns, Tie::mid);
  const int64_t work = left.work() + middle.work();
  if (work > options.work_limit) {
    result.reason = fmt::format("its Jacobian takes {} loop points for one input, the limit is {}", work,
                                options.work_limit);
    return result;
  }
  auto [points, complete] = points_for(graph, options);
  if (const auto most = static_cast<size_t>(options.work_limit / std::max<int64_t>(work, 1));
      points.size() > most) {
    points.resize(most);
    complete = false;
  }
  std::vector<std::vector<Rational>> rows;
  for (const Point& point : points) {
    const auto from_left = left.rows(point), from_middle = middle.rows(point);
    if (!from_left || !from_middle) {
      result.reason = "a value or slope is not rational";
      return result;
    }
    if (*from_left != *from_middle) {
      result.reason = "the parameters sit on a kink: derivatives from two sides differ inside a piece";
      if (complete) return result;
      continue;
    }
    ++result.points;
    rows.insert(rows.end(), from_left->begin(), from_left->end());
  }
  if (result.points == 0) return result;
  result.reason.clear();
  const auto bound = [&](const std::vector<bool>& used) {
    return greatest_rank(graph, group, columns, used);
  };
  result.dimension = rank_of(rows, columns.count, bound(used_columns(rows, columns.count)));
  const std::vector<bool> all(static_cast<size_t>(columns.count), true);
  result.exact = complete || result.dimension == bound(all);
  return result;
}

std::vector<Finding> functional_dimension_findings(const Graph& graph) {
  const FunctionalDimension found =
      functional_dimension(graph, {.fixed = running_statistics(graph), .parameter_limit = 100});
  if (!found.dimension) return {};
  Finding finding{.id = "functional-dimension",
                  .subject = "parameters",
                  .verdict = found.exact ? Verdict::Proved : Verdict::Unknown,
                  .level = Level::Values,
                  .sentences = {},
                  .certificate = {}};
  finding.sentences.push_back(
      fmt::format("functional dimension {}{} of {} parameters: {} are lost, {} to rescaling, {} beyond it",
                  found.exact ? "" : "at least ", *found.dimension, found.parameters, found.lost(),
                  found.explained_by_scaling, found.beyond_scaling()));
  finding.evidence = nlohmann::ordered_json{{"parameters", found.parameters},
                                            {"functional_dim", *found.dimension},
                                            {"exact", found.exact},
                                            {"lost", found.lost()},
                                            {"explained_by_positive_scaling", found.explained_by_scaling},
                                            {"beyond_scaling", found.beyond_scaling()}}
                         .dump();
  return {std::move(finding)};
}

}  // namespace crease
