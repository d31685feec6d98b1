#include "graph/analysis/regions/explore.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "graph/analysis/exact.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

using Elements = std::vector<AffineFunction>;

/// A body that ran, or the function whose sign it must know first.
struct Outcome {
  std::optional<AffineFunction> value;
  std::optional<AffineFunction> undecided;
};

/// A node's loops and body, ready to run in any cell.
struct Plan {
  struct LoopPoint {
    std::vector<int64_t> labels, reads;
    int64_t write;
  };
  NodeId id;
  Combine combine;
  std::vector<BodyStep> steps;
  std::vector<LoopPoint> points;
  size_t count;
};

/// How far one cell has got.
struct State {
  Cell cell;
  std::map<NodeId, std::shared_ptr<const Elements>> known;
  size_t plan = 0, point = 0;
  Elements partial;
  std::vector<bool> seen;
  std::vector<uint32_t> winners;  // of a maximum, by element: the loop point that has it
  std::string pattern;
};

std::optional<Rational> constant_of(const AffineFunction& f) {
  if (!f.is_constant()) return {};
  return f.offset;
}

/// How many times as long as on short numbers a step with this outcome takes.
int64_t length(const Outcome& outcome) {
  if (outcome.undecided) return length(*outcome.undecided);
  return outcome.value ? length(*outcome.value) : 1;
}

/// Runs bodies and combinations in one cell.
class CellRunner {
 public:
  explicit CellRunner(Cell& cell) : cell_(&cell) {}

  Outcome run(const Plan& plan, const Plan::LoopPoint& point, std::span<const AffineFunction> arguments) {
    std::vector<AffineFunction> values;
    values.reserve(plan.steps.size());
    signs_.clear();
    for (const BodyStep& step : plan.steps) {
      std::vector<AffineFunction> terms;
      for (const size_t term : step.terms) terms.push_back(values[term]);
      Outcome outcome = of_step(step.node, terms, arguments, point.labels);
      if (!outcome.value) return outcome;
      values.push_back(std::move(*outcome.value));
    }
    return {values.back(), {}};
  }

  /// The comparisons of the last run.
  const std::string& signs() const { return signs_; }

  Outcome combine(Combine how, const AffineFunction& element, const AffineFunction& value) {
    switch (how) {
      case Combine::Assign:
      case Combine::Sum: return {element + value, {}};
      case Combine::Max: return greater(element, value, 1);
      case Combine::Min: return greater(element, value, -1);
      case Combine::Product: return product(element, value);
      case Combine::ArgMax:
      case Combine::ArgMin: break;
    }
    return {};
  }

 private:
  Cell* cell_;
  std::string signs_;

  CellSign decide(const AffineFunction& f) {
    const CellSign sign = cell_->sign(f);
    signs_ += sign == CellSign::Positive ? '+' : sign == CellSign::Negative ? '-' : '0';
    return sign;
  }

  /// f where (f - g) * direction > 0, else g.
  Outcome greater(const AffineFunction& f, const AffineFunction& g, int direction) {
    const AffineFunction difference = f - g;
    const CellSign sign = decide(difference);
    if (sign == CellSign::Both) return {{}, difference};
    return {(sign == CellSign::Positive) == (direction > 0) ? f : g, {}};
  }

  /// 1 where f > 0 (or f >= 0 if `zero_counts`), else 0.
  Outcome is_positive(const AffineFunction& f, bool zero_counts) {
    const CellSign sign = decide(f);
    if (sign == CellSign::Both) return {{}, f};
    const bool yes = sign == CellSign::Positive || (zero_counts && sign == CellSign::Zero);
    return {AffineFunction{{}, yes ? 1 : 0}, {}};
  }

  static Outcome product(const AffineFunction& f, const AffineFunction& g) {
    if (const auto factor = constant_of(g)) return {f * *factor, {}};
    if (const auto factor = constant_of(f)) return {g * *factor, {}};
    return {};
  }

  static Outcome of_constants(ScalarKind kind, const std::vector<AffineFunction>& terms) {
    std::vector<Rational> constants;
    for (const AffineFunction& term : terms)
      if (const auto constant = constant_of(term))
        constants.push_back(*constant);
      else
        return {};
    const auto value = compute_exactly(kind, constants);
    return value ? Outcome{AffineFunction{{}, *value}, {}} : Outcome{};
  }

  static Outcome leaf(const Scalar& node, std::span<const AffineFunction> arguments,
                      std::span<const int64_t> labels) {
    const auto position = [&] { return static_cast<size_t>(node.position()); };
    if (node.kind() == ScalarKind::Argument) return {arguments[position()], {}};
    if (node.kind() == ScalarKind::Index) return {AffineFunction{{}, Rational(labels[position()])}, {}};
    if (node.kind() == ScalarKind::Constant && std::isfinite(node.constant()))
      return {AffineFunction{{}, Rational::of(node.constant())}, {}};
    return {};
  }

  Outcome of_step(const Scalar& node, const std::vector<AffineFunction>& t,
                  std::span<const AffineFunction> arguments, std::span<const int64_t> labels) {
    switch (node.kind()) {
      case ScalarKind::Constant:
      case ScalarKind::Argument:
      case ScalarKind::Index:
      case ScalarKind::Size: return leaf(node, arguments, labels);
      case ScalarKind::Add: return {t[0] + t[1], {}};
      case ScalarKind::Subtract: return {t[0] - t[1], {}};
      case ScalarKind::Negate: return {t[0] * Rational(-1), {}};
      case ScalarKind::Multiply: return product(t[0], t[1]);
      case ScalarKind::Divide: {
        const auto divisor = constant_of(t[1]);
        if (!divisor || divisor->is_zero()) return {};
        return {t[0] * (Rational(1) / *divisor), {}};
      }
      case ScalarKind::Max: return greater(t[0], t[1], 1);
      case ScalarKind::Min: return greater(t[0], t[1], -1);
      case ScalarKind::Less: return is_positive(t[1] - t[0], false);
      case ScalarKind::LessEqual: return is_positive(t[1] - t[0], true);
      case ScalarKind::Select: {
        const auto condition = constant_of(t[0]);
        if (!condition) return {};
        return {condition->is_zero() ? t[2] : t[1], {}};
      }
      default: return of_constants(node.kind(), t);
    }
  }
};

class Explorer {
 public:
  Explorer(const Graph& graph, const InputSpace& space, std::span<const NodeId> wanted,
           const ExploreLimits& limits)
      : graph_(graph), wanted_(wanted.begin(), wanted.end()), limits_(limits) {
    State start{.cell = space.start};
    for (const auto& [id, values] : space.inputs) start.known[id] = std::make_shared<Elements>(values);
    if (!prepare(start)) return;
    states_.push_back(std::move(start));
    while (!states_.empty() && result_.reason.empty()) {
      State state = std::move(states_.back());
      states_.pop_back();
      finish(std::move(state));
    }
    result_.complete = result_.reason.empty();
    result_.work = spent_;
  }

  Exploration take() { return std::move(result_); }

 private:
  bool fail_with(std::string reason) {
    result_.reason = std::move(reason);
    return false;
  }

  /// Plans of the nodes that vary, values of those that do not.
  bool prepare(State& start) {
    const Linearity facts = linearity(graph_);
    int64_t points = 0;
    for (const NodeId id : ancestors(graph_, wanted_)) {
      const Node& node = graph_.node(id);
      if (start.known.contains(id)) continue;
      const std::string& mixing = facts.mixing[static_cast<size_t>(id)];
      if (!mixing.empty()) return fail_with(describe(graph_, id) + " " + mixing);
      if (node.role == Role::Parameter || node.role == Role::Constant) {
        const auto values = exact_values(node.value);
        if (!values) return fail_with(describe(graph_, id) + " is not finite");
        Elements elements;
        for (const Rational& value : *values) elements.push_back({{}, value});
        start.known[id] = std::make_shared<Elements>(std::move(elements));
        continue;
      }
      if (node.role != Role::Apply || has_lookup(node))
        return fail_with(describe(graph_, id) + " looks up or is random");
      points += PointWalk(graph_, id).count();
      if (points > limits_.points) return fail_with(fmt::format("more than {} loop points", limits_.points));
      plans_.push_back(plan_of(id));
    }
    return true;
  }

  Plan plan_of(NodeId id) const {
    const Node& node = graph_.node(id);
    Plan plan{id,
              node.op->combine,
              steps_of(node.op->body.expression),
              {},
              static_cast<size_t>(sample_count(node.shape))};
    for (PointWalk walk(graph_, id); walk.valid(); walk.next()) {
      if (!walk.inside()) continue;
      Plan::LoopPoint point{walk.labels(), {}, walk.write()};
      for (size_t k = 0; k < node.operands.size(); ++k) point.reads.push_back(walk.read(k));
      plan.points.push_back(std::move(point));
    }
    return plan;
  }

  /// Takes a state to its end, leaving the other part of each cut on the stack.
  void finish(State state) {
    for (; state.plan < plans_.size(); ++state.plan) {
      const Plan& plan = plans_[state.plan];
      if (state.partial.empty()) {
        state.partial.assign(plan.count, {});
        state.seen.assign(plan.count, false);
        state.winners.assign(plan.count, 0);
      }
      for (; state.point < plan.points.size(); ++state.point)
        if (!advance(state, plan)) return;
      if (!fill_unseen(state, plan)) return;
      if (plan.combine == Combine::Max || plan.combine == Combine::Min)
        for (const uint32_t winner : state.winners) state.pattern += fmt::format("{},", winner);
      state.known[plan.id] = std::make_shared<Elements>(std::move(state.partial));
      state.partial = {};
      state.point = 0;
    }
    AffineCell cell{std::move(state.cell), std::move(state.pattern), {}};
    for (const NodeId id : wanted_) cell.values[id] = *state.known.at(id);
    result_.cells.push_back(std::move(cell));
    const auto cells = static_cast<int64_t>(result_.cells.size() + states_.size());
    if (cells > limits_.cells) run_out(fmt::format("more than {} cells", limits_.cells));
  }

  /// Elements that no point writes: 0 of a sum, 1 of a product; an extremum over nothing is infinite.
  bool fill_unseen(State& state, const Plan& plan) {
    for (size_t i = 0; i < plan.count; ++i) {
      if (state.seen[i]) continue;
      if (plan.combine == Combine::Max || plan.combine == Combine::Min)
        return fail_with(describe(graph_, plan.id) + " is an extremum over nothing");
      if (plan.combine == Combine::Product) state.partial[i] = {{}, 1};
    }
    return true;
  }

  void run_out(std::string reason) {
    result_.out_of_budget = true;
    fail_with(std::move(reason));
  }

  /// One loop point, after as many cuts as it takes.
  bool advance(State& state, const Plan& plan) {
    if (spent_ > limits_.work) {
      run_out(too_long(limits_.work));
      return false;
    }
    const Plan::LoopPoint& point = plan.points[state.point];
    const Node& node = graph_.node(plan.id);
    std::vector<AffineFunction> arguments;
    for (size_t k = 0; k < node.operands.size(); ++k)
      arguments.push_back((*state.known.at(node.operands[k]))[static_cast<size_t>(point.reads[k])]);
    const auto element = static_cast<size_t>(point.write);
    while (true) {
      const int64_t before = state.cell.work();
      CellRunner runner(state.cell);
      Outcome outcome = runner.run(plan, point, arguments);
      const std::string signs = runner.signs();
      if (outcome.value && (state.seen[element] || gives_position(plan.combine)))
        outcome = runner.combine(plan.combine, state.partial[element], *outcome.value);
      spent_ += state.cell.work() - before;
      spent_ += static_cast<int64_t>(plan.steps.size() * (state.cell.dimension() + 1)) * length(outcome);
      if (outcome.value) {
        state.pattern += signs;
        if (state.seen[element] && !(*outcome.value == state.partial[element]))
          state.winners[element] = static_cast<uint32_t>(state.point);
        if (!state.seen[element]) state.winners[element] = static_cast<uint32_t>(state.point);
        state.partial[element] = std::move(*outcome.value);
        state.seen[element] = true;
        return true;
      }
      if (!outcome.undecided) return fail_with(describe(graph_, plan.id) + " is not piecewise linear");
      // A copy has the values of all nodes so far, and each face of its cell.
      spent_ += static_cast<int64_t>(state.known.size() + state.cell.faces().size());
      State other = state;
      other.cell = state.cell.part(*outcome.undecided * Rational(-1));
      states_.push_back(std::move(other));
      state.cell = state.cell.part(*outcome.undecided);
    }
  }

  const Graph& graph_;
  std::vector<NodeId> wanted_;
  ExploreLimits limits_;
  std::vector<Plan> plans_;
  std::vector<State> states_;
  int64_t spent_ = 0;
  Exploration result_;
};

}  // namespace

size_t input_elements(const Graph& graph) {
  int64_t total = 0;
  for (const NodeId id : graph.inputs()) total += sample_count(graph.node(id).shape);
  return static_cast<size_t>(total);
}

InputSpace input_space(const Graph& graph, const std::vector<std::pair<Rational, Rational>>& box) {
  const size_t dimension = input_elements(graph);
  expect(box.empty() || box.size() == dimension, "[regions] box has {} sides, the inputs have {} elements",
         box.size(), dimension);
  InputSpace space{box.empty() ? Cell::whole(dimension) : Cell::box(box), {}};
  size_t next = 0;
  for (const NodeId id : graph.inputs())
    for (int64_t i = 0; i < sample_count(graph.node(id).shape); ++i) {
      AffineFunction coordinate{std::vector<Rational>(dimension, 0), 0};
      coordinate.slope[next++] = 1;
      space.inputs[id].push_back(std::move(coordinate));
    }
  return space;
}

InputSpace segment(const Graph& graph, const Point& from, const Point& to) {
  const size_t dimension = input_elements(graph);
  expect(from.size() == dimension && to.size() == dimension,
         "[regions] ends of the segment have {} and {} elements, the inputs {}", from.size(), to.size(),
         dimension);
  InputSpace space{Cell::box({{0, 1}}), {}};
  size_t next = 0;
  for (const NodeId id : graph.inputs())
    for (int64_t i = 0; i < sample_count(graph.node(id).shape); ++i, ++next)
      space.inputs[id].push_back({{to[next] - from[next]}, from[next]});
  return space;
}

std::string too_long(int64_t work_limit) {
  return fmt::format("more than {} operations on rational numbers", work_limit);
}

int64_t pattern_count(const std::vector<AffineCell>& cells) {
  std::set<std::string_view> patterns;
  for (const AffineCell& cell : cells) patterns.insert(cell.pattern);
  return static_cast<int64_t>(patterns.size());
}

Exploration explore(const Graph& graph, const InputSpace& space, std::span<const NodeId> wanted,
                    const ExploreLimits& limits) {
  return Explorer(graph, space, wanted, limits).take();
}

}  // namespace crease
