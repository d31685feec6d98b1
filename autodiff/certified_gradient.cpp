#include "autodiff/certified_gradient.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>

#include "autodiff/kink_records.h"
#include "autodiff/loop_builder.h"
#include "autodiff/pole_probe.h"
#include "autodiff/reach.h"
#include "graph/analysis/own_bias.h"
#include "graph/error.h"
#include "graph/scalar/forms.h"
#include "graph/scalar/lock.h"
#include "graph/scan.h"
#include "graph/smooth.h"

namespace crease {
namespace {

std::string direction_name(size_t j, size_t i) { return fmt::format("certify.direction.{}.{}", j, i); }
std::string gradient_name(size_t i) { return fmt::format("gradient.{}", i); }

/// The same graph, every parameter an input.
Graph with_bound_parameters(const Graph& graph) {
  Graph result;
  if (graph.tie()) result.set_tie(*graph.tie());
  for (NodeId id = 0; id < graph.size(); ++id) {
    Node node = graph.node(id);
    if (node.role == Role::Parameter) {
      node.role = Role::Input;
      node.value = {};
    }
    std::vector<Value> operands;
    operands.reserve(node.operands.size());
    for (const NodeId operand : node.operands) operands.push_back(result.value(operand));
    result.copy(node, operands);
  }
  return result;
}

std::vector<NodeId> ids_of(ValueSpan values) {
  std::vector<NodeId> ids;
  for (const Value& value : values) ids.push_back(value.id());
  return ids;
}

/// Whether some active operation can jump, or have an infinite slope.
bool can_break(const Graph& graph, const std::vector<bool>& active) {
  for (NodeId id = 0; id < static_cast<NodeId>(active.size()); ++id) {
    const Node& node = graph.node(id);
    if (!active[static_cast<size_t>(id)]) continue;
    if (node.role != Role::Apply) continue;
    if (gives_position(node.op->combine)) return true;
    const Scalar body = LoopBuilder(graph, id).stored_body();
    if (ScalarLock(body, static_cast<int>(node.operands.size()), 1).can_jump() || has_pole(body)) return true;
  }
  return false;
}

/// Odd multiples of 2^-10, so that products with the parameters of small networks stay exact.
Tensor drawn(Type type, const std::vector<int64_t>& sizes, std::mt19937_64& random) {
  Tensor tensor(type, sizes);
  for (int64_t k = 0; k < tensor.count(); ++k)
    tensor.set(k, static_cast<double>(static_cast<int64_t>(random() >> 54) * 2 + 1 - 1024) * 0x1p-10);
  return tensor;
}

bool all_finite(const Tensor& tensor) {
  for (int64_t k = 0; k < tensor.count(); ++k)
    if (!std::isfinite(tensor.at(k))) return false;
  return true;
}

using Direction = std::vector<Tensor>;  // a tangent for each variable

Direction scaled(const Direction& direction, double factor) {
  Direction result = direction;
  for (Tensor& tangent : result)
    for (int64_t k = 0; k < tangent.count(); ++k) tangent.set(k, factor * tangent.at(k));
  return result;
}

Direction sum_of(const Direction& a, const Direction& b) {
  Direction result = a;
  for (size_t i = 0; i < a.size(); ++i)
    for (int64_t k = 0; k < a[i].count(); ++k) result[i].set(k, a[i].at(k) + b[i].at(k));
  return result;
}

/// In how many comparisons jumps beside the point are looked for: each costs four more runs.
constexpr int64_t most_jumps = 32;

/// Equal but for what a few roundings do: the shift of a softmax, which may jump, changes no value but so.
bool level(double a, double b, Type type) {
  const double epsilon = type == Type::f64 ? 0x1p-52 : 0x1p-23;
  if (!std::isfinite(a) || !std::isfinite(b)) return a == b;
  return std::abs(a - b) <= 64 * epsilon * std::max({1.0, std::abs(a), std::abs(b)});
}

}  // namespace

struct CertifiedGradientFunction::Plan {
  CertifyOptions options;
  Graph work;  // every parameter an input
  Value loss;
  std::vector<Value> wrt;
  std::vector<std::vector<Value>> tangents;
  NamedTensors defaults;
  bool breaks = false;
  std::optional<std::vector<std::vector<NodeId>>> biases;  // by level, of a graph with biases of their own
  std::optional<KinkRecords> records;
  std::optional<PoleProbe> poles;
  Run selection, direction;

  /// Runs selection, and what it leads to.
  CertifiedGradient run(const Bindings& at) const {
    Bindings bindings = defaults;
    for (const auto& [name, tensor] : at) bindings.insert_or_assign(name, tensor);
    CertifiedGradient result;
    bind_directions(bindings, result, 1);
    const auto selected = selection(bindings);
    read(selected, result);
    const bool regular = is_regular(bindings, selected, result);
    if (options.kinks != Kinks::Direction && certify_selection(bindings, result, regular)) {
      const bool shown =
          result.claim == GradientClaim::BStatic || result.claim == GradientClaim::Discontinuous;
      if (!shown) result.directions.clear();
      return result;
    }
    return run_direction(bindings, std::move(result), regular);
  }

  /// Whether the point and the loss are numbers, and the loss depends on no infinite slope.
  bool is_regular(const Bindings& bindings, const NamedTensors& selected,
                  const CertifiedGradient& result) const {
    const auto is_finite = [&](const Value& variable) {
      return all_finite(bindings.at(variable.node().name));
    };
    if (!std::isfinite(result.value) || !std::ranges::all_of(wrt, is_finite)) return false;
    return !poles->count() || selected.at("poles").item() == 0 || !poles->matters(bindings, result.hits > 0);
  }

  void bind_directions(Bindings& bindings, CertifiedGradient& result, double sign) const {
    std::mt19937_64 random(options.seed);
    result.directions.clear();
    for (size_t j = 0; j < tangents.size(); ++j) {
      result.directions.emplace_back();
      for (size_t i = 0; i < wrt.size(); ++i) {
        const Tensor& point = bindings.at(wrt[i].node().name);
        result.directions.back().push_back(options.along.empty()
                                               ? drawn(wrt[i].type(), point.sizes(), random)
                                               : options.along[j][i].converted(wrt[i].type()));
      }
      bind_direction(bindings, j, scaled(result.directions.back(), sign));
    }
  }

  void bind_direction(Bindings& bindings, size_t j, const Direction& moves) const {
    for (size_t i = 0; i < wrt.size(); ++i) bindings.insert_or_assign(direction_name(j, i), moves[i]);
  }

  void read(const NamedTensors& outputs, CertifiedGradient& result) const {
    result.value = outputs.at("loss").item();
    result.hits = static_cast<int64_t>(outputs.at("hits").item());
    result.gradient.clear();
    for (size_t i = 0; i < wrt.size(); ++i) result.gradient.push_back(outputs.at(gradient_name(i)));
  }

  /// Whether the selected gradient is kept, certified or not.
  bool certify_selection(const Bindings& bindings, CertifiedGradient& result, bool regular) const {
    const bool last = options.kinks == Kinks::Selection;
    const bool finite = regular && std::ranges::all_of(result.gradient, all_finite);
    if (finite && result.hits == 0) {
      result.claim = GradientClaim::Smooth;
      return true;
    }
    if (finite && biases) {
      result.claim = GradientClaim::BStatic;
      result.directions = bias_directions(bindings);
      result.kinks = records->hits(bindings, result.directions, options.most_recorded);
      return true;
    }
    if (finite && !breaks && result.hits == 1) {
      const auto kinks = records->hits(bindings, result.directions, 3);
      if (KinkRecords::is_one_of_two(kinks)) {
        result.claim = GradientClaim::ClarkeSingle;
        result.kinks = kinks;
        return true;
      }
    }
    if (!last) return false;
    // Selection that nothing certifies: what stands in the way is told by a run along a direction.
    const CertifiedGradient told = run_direction(bindings, result, regular);
    result.claim = told.claim == GradientClaim::Discontinuous || told.claim == GradientClaim::NonLipschitz
                       ? told.claim
                       : GradientClaim::Partial;
    result.directions = told.directions;
    result.unresolved = result.hits;
    return true;
  }

  CertifiedGradient run_direction(Bindings bindings, CertifiedGradient result, bool regular) const {
    bool jumps = false, infinite = !regular;
    for (const double sign : breaks ? std::vector<double>{-1, 1} : std::vector<double>{1}) {
      bind_directions(bindings, result, sign);
      const auto outputs = direction(bindings);
      read(outputs, result);
      const double derivative = outputs.at("derivative").item();
      result.unresolved = static_cast<int64_t>(outputs.at("unresolved").item());
      // Away from where f is defined (the left of sqrt at 0) nothing is told by a side.
      jumps |= !std::isnan(derivative) && !level(outputs.at("value").item(), result.value, loss.type());
      infinite |=
          std::isinf(derivative) ||
          (sign > 0 && !(std::isfinite(derivative) && std::ranges::all_of(result.gradient, all_finite)));
    }
    if (!jumps && !infinite) jumps = jumps_beside(bindings, result);
    result.kinks = records->hits(bindings, result.directions, std::numeric_limits<int64_t>::max());
    if (is_level(result)) result.unresolved = 0;
    const bool decided = result.unresolved == 0;
    const bool level_point = !jumps && !infinite;
    if (jumps) result.claim = GradientClaim::Discontinuous;
    if (!jumps && infinite) result.claim = GradientClaim::NonLipschitz;
    if (level_point) result.claim = decided ? GradientClaim::BDirectional : GradientClaim::Partial;
    if (level_point && result.hits == 0) {
      result.claim = GradientClaim::Smooth;
      result.directions.clear();
      result.kinks.clear();
    }
    if (static_cast<int64_t>(result.kinks.size()) > options.most_recorded)
      result.kinks.resize(static_cast<size_t>(options.most_recorded));
    return result;
  }

  /// The loss and its slope next to the point: along the first direction, then to one side of it.
  struct Beside {
    double value, derivative;
  };
  Beside beside(Bindings& bindings, const Direction& along, const Direction& side) const {
    bind_direction(bindings, 0, along);
    bind_direction(bindings, 1, side);
    const auto outputs = direction(bindings);
    return {outputs.at("value").item(), outputs.at("derivative").item()};
  }

  /// Whether f jumps in every neighbourhood of the point, seen along directions that keep one comparison
  /// level, as where(x > 0, y, 0) at (0, 0) keeps it along y. There f would move one way on both sides if it
  /// were continuous; and jumps that cancel along a drawn direction, as those of sign(x) + sign(y), do not
  /// where only one is crossed. Leaves such directions in the result. Directions of the caller's are left
  /// alone.
  bool jumps_beside(Bindings bindings, CertifiedGradient& result) const {
    if (!breaks || !options.along.empty() || tangents.size() < 2) return false;
    const Direction first = result.directions[0], second = result.directions[1];
    constexpr int64_t all = std::numeric_limits<int64_t>::max();
    const auto along_first = records->hits(bindings, {first}, all);
    const auto along_second = records->hits(bindings, {second}, all);
    const auto same = [&](double a, double b) { return level(a, b, loss.type()); };
    int64_t looked_at = 0;
    for (size_t k = 0; k < along_first.size() && looked_at < most_jumps; ++k) {
      const double rise = along_first[k].tangent;
      if (along_first[k].continuous || rise == 0) continue;
      ++looked_at;
      const Direction along = sum_of(scaled(first, along_second[k].tangent), scaled(second, -rise));
      for (const double sign : {1, -1}) {
        const Direction line = scaled(along, sign), other_side = scaled(first, -1);
        const Beside ahead = beside(bindings, line, first), behind = beside(bindings, line, other_side);
        if (!std::isfinite(ahead.derivative - behind.derivative)) continue;
        const bool jumps_behind = !same(behind.value, result.value);
        if (same(ahead.value, result.value) && !jumps_behind && same(ahead.derivative, behind.derivative))
          continue;
        result.directions[0] = line;
        result.directions[1] = jumps_behind ? other_side : first;
        return true;
      }
    }
    return false;
  }

  /// Whether no kink that is left undecided matters: what a max compares and no drawn direction moves has
  /// gradient 0 (but for a set of directions of measure 0; the checker computes it), so its branches have the
  /// same gradient. Example: relu(relu(x)) to the left of 0.
  bool is_level(const CertifiedGradient& result) const {
    return options.along.empty() && std::ranges::all_of(result.kinks, [](const KinkHit& kink) {
             return kink.tangent != 0 || kink.continuous;
           });
  }

  /// Biases down (left) or up (right), the highest level first: the directions of the theorem.
  std::vector<std::vector<Tensor>> bias_directions(const Bindings& bindings) const {
    const double sign = uniform_side(options.gradient, work) == Side::Left ? -1 : 1;
    std::vector<std::vector<Tensor>> directions;
    for (const auto& of_level : *biases) {
      directions.emplace_back();
      for (const Value& variable : wrt) {
        Tensor tangent(variable.type(), bindings.at(variable.node().name).sizes());
        for (const NodeId signed_bias : of_level) {
          // A bias that enters with a minus is listed as -1 - id.
          const NodeId bias = signed_bias < 0 ? -1 - signed_bias : signed_bias;
          for (int64_t k = 0; bias == variable.id() && k < tangent.count(); ++k)
            tangent.set(k, signed_bias < 0 ? -sign : sign);
        }
        directions.back().push_back(std::move(tangent));
      }
    }
    return directions;
  }

  static std::optional<Side> uniform_side(const GradOptions& options, const Graph& graph) {
    if (options.table) return {};
    for (NodeId id = 0; id < graph.size(); ++id)
      if (graph.node(id).tie) return {};
    const Tie tie = options.tie ? *options.tie : graph.tie().value_or(Tie::left);
    if (tie == Tie::left) return Side::Left;
    if (tie == Tie::right) return Side::Right;
    return {};
  }
};

CertifiedGradientFunction::CertifiedGradientFunction(const Value& loss, ValueSpan wrt,
                                                     const CertifyOptions& options, const Compile& compile,
                                                     std::source_location where) {
  check_loss("certified_gradient", loss, where);
  check_derivative("certified_gradient", {&loss, 1}, wrt, where);
  check_not_held("certified_gradient", {&loss, 1}, wrt, where);
  expect(options.directions >= 1 || !options.along.empty(),
         "[certified_gradient] wants at least one direction (at {})", to_string(where));
  auto plan = std::make_shared<Plan>(Plan{.options = options, .work = with_bound_parameters(loss.graph())});
  plan->loss = plan->work.value(loss.id());
  for (const Value& variable : wrt) {
    const Role role = variable.node().role;
    expect(role == Role::Input || role == Role::Parameter,
           "[certified_gradient] {} is computed: want an input or a parameter (at {})",
           describe(variable.graph(), variable.id()), to_string(where));
    plan->wrt.push_back(plan->work.value(variable.id()));
  }
  for (const NodeId id : loss.graph().parameters())
    plan->defaults[loss.graph().node(id).name] = loss.graph().node(id).value;
  const std::vector<bool> active = reached(plan->work, {&plan->loss, 1}, plan->wrt);
  check_lockable("certified_gradient", plan->work, active, where);
  plan->breaks = can_break(plan->work, active);
  if (Plan::uniform_side(options.gradient, plan->work))
    plan->biases = own_bias(plan->work, std::vector{loss.id()}, ids_of(plan->wrt)).levels_if_certified();

  const std::vector<Value> selected = grad(plan->loss, plan->wrt, options.gradient, where);
  const size_t count = options.along.empty() ? static_cast<size_t>(options.directions) : options.along.size();
  for (size_t j = 0; j < count; ++j) {
    expect(options.along.empty() || options.along[j].size() == wrt.size(),
           "[certified_gradient] direction {} does not have a tangent for each of {} variables (at {})", j,
           wrt.size(), to_string(where));
    plan->tangents.emplace_back();
    for (size_t i = 0; i < wrt.size(); ++i)
      plan->tangents.back().push_back(
          plan->work.input(direction_name(j, i), wrt[i].shape(), wrt[i].type(), where));
  }
  plan->records.emplace(plan->work, active, plan->loss.id());
  plan->poles.emplace(plan->work, active, plan->loss, where);
  const LockedGradient locked = locked_grad(plan->loss, plan->wrt, plan->tangents, where);
  plan->records->differentiate(plan->wrt, plan->tangents[0], where);
  const auto program = [&](ValueSpan gradients, bool along) {
    Graph graph = plan->work;
    graph.output("loss", graph.value(plan->loss.id()));
    graph.output("hits", graph.value(locked.hits.id()));
    for (size_t i = 0; i < gradients.size(); ++i)
      graph.output(gradient_name(i), graph.value(gradients[i].id()));
    if (!along && plan->poles->count()) graph.output("poles", graph.value(plan->poles->count()->id()));
    if (!along) return compile(graph);
    graph.output("value", graph.value(locked.value.id()));
    graph.output("derivative", graph.value(locked.derivatives[0].id()));
    graph.output("unresolved", graph.value(locked.unresolved.id()));
    return compile(graph);
  };
  plan->selection = program(selected, false);
  plan->direction = program(locked.gradient, true);
  plan_ = std::move(plan);
}

CertifiedGradient CertifiedGradientFunction::operator()(const Bindings& at) const { return plan_->run(at); }

CertifiedGradientFunction::Run CertifiedGradientFunction::interpreted(const Graph& graph) {
  return [graph](const Bindings& at) { return evaluate(graph, at); };
}

CertifiedGradient certified_gradient(const Value& loss, ValueSpan wrt, const Bindings& at,
                                     const CertifyOptions& options, std::source_location where) {
  return CertifiedGradientFunction(loss, wrt, options, CertifiedGradientFunction::interpreted, where)(at);
}

std::string_view to_string(GradientClaim claim) {
  switch (claim) {
    case GradientClaim::Smooth: return "smooth";
    case GradientClaim::BStatic: return "b_static";
    case GradientClaim::BDirectional: return "b_directional";
    case GradientClaim::ClarkeSingle: return "clarke_single";
    case GradientClaim::Partial: return "partial";
    case GradientClaim::Discontinuous: return "discontinuous";
    case GradientClaim::NonLipschitz: return "non_lipschitz";
  }
  return "";
}

}  // namespace crease
