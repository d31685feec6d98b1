#include "autodiff/gradient_check.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "autodiff/adjoint.h"
#include "autodiff/kink_probe.h"
#include "autodiff/lock.h"
#include "autodiff/loop_builder.h"
#include "autodiff/reach.h"
#include "autodiff/selection_check.h"
#include "graph/error.h"
#include "graph/scan.h"

namespace crease {
namespace {

constexpr double longest_step = 0x1p-12, shortest_step = 0x1p-30;

Type widened(Type type) { return is_floating(type) ? Type::f64 : type; }

/// The same nodes, computed in f64.
Graph in_f64(const Graph& graph) {
  Graph wide;
  std::map<const Scan*, std::shared_ptr<const Scan>> loops;
  if (graph.tie()) wide.set_tie(*graph.tie());
  for (NodeId id = 0; id < graph.size(); ++id) {
    Node node = graph.node(id);
    node.type = widened(node.type);
    if (node.role == Role::Parameter || node.role == Role::Constant)
      node.value = node.value.converted(node.type);
    if (node.role == Role::Scan) {
      auto& loop = loops[node.scan.get()];
      if (!loop) {
        Scan inside = *node.scan;
        inside.body = in_f64(inside.body);
        loop = std::make_shared<const Scan>(std::move(inside));
      }
      node.scan = loop;
    }
    std::vector<Value> operands;
    for (const NodeId operand : node.operands) operands.push_back(wide.value(operand));
    wide.copy(node, operands);
  }
  for (const Output& output : graph.outputs()) wide.output(output.name, wide.value(output.node));
  return wide;
}

double error_of(double got, double want) {
  if (got == want || (std::isnan(got) && std::isnan(want))) return 0;
  const double error = std::abs(got - want) / std::max(1.0, std::abs(want));
  return std::isnan(error) ? INFINITY : error;
}

/// One call of check_gradients.
class Check {
 public:
  Check(const Value& loss, ValueSpan wrt, const Bindings& at, const CheckOptions& options,
        const std::source_location& where)
      : options_(options),
        where_(where),
        graph_(in_f64(loss.graph())),
        loss_(graph_.value(loss.id())),
        at_(at) {
    for (const Value& variable : wrt) {
      const Node& node = variable.node();
      expect(node.role == Role::Input || node.role == Role::Parameter,
             "[check_gradients] node {} is computed: want an input or a parameter (at {})",
             describe(variable.graph(), variable.id()), to_string(where));
      wrt_.push_back(graph_.value(variable.id()));
      point_.push_back(node.role == Role::Parameter ? node.value.converted(Type::f64)
                                                    : bound(node.name).converted(Type::f64));
    }
    check_not_held("check_gradients", {&loss, 1}, wrt, where);
    const std::vector<bool> active = reached(graph_, {&loss_, 1}, wrt_);
    check_lockable("check_gradients", graph_, active, where);
    watched_ = std::make_unique<bool[]>(active.size());
    std::copy(active.begin(), active.end(), watched_.get());
    probe_.emplace(graph_, std::span<const bool>(watched_.get(), active.size()), where);
  }

  GradientCheck run(ValueSpan gradients) {
    const std::vector<Value> selected = grad(loss_, wrt_, options_.gradient, where_);
    std::vector<Value> claimed = selected;
    for (size_t i = 0; i < gradients.size(); ++i) claimed[i] = graph_.value(gradients[i].id());
    prepare_direction();
    start_ = probe_->sides(bind(0, {}));
    result_.kinks = KinkProbe::hits(start_);
    gradient_ = evaluate(graph_, bind(0, {}), claimed);
    if (!gradients.empty()) compare_with_selected(evaluate(graph_, bind(0, {}), selected));
    for (const auto& [name, direction] : directions()) check_direction(name, direction);
    for (const NodeId id : probe_->on_kinks(start_)) check_operation(id);
    return result_;
  }

 private:
  using Direction = std::vector<Tensor>;

  const Tensor& bound(const std::string& name) const {
    const auto it = at_.find(name);
    expect(it != at_.end(), "[check_gradients] input '{}' is not bound (at {})", name, to_string(where_));
    return it->second;
  }

  void prepare_direction() {
    std::vector<Value> tangents;
    for (size_t i = 0; i < wrt_.size(); ++i)
      tangents.push_back(
          graph_.input("check_gradients.direction." + std::to_string(i), wrt_[i].shape(), Type::f64));
    locked_ = locked_grad(loss_, wrt_, {tangents}, where_);
  }

  /// The bindings at `step` along the direction; parameters are set.
  Bindings bind(double step, const Direction& direction) {
    Bindings all = at_;
    for (size_t i = 0; i < wrt_.size(); ++i) {
      Tensor value = point_[i], tangent(Type::f64, point_[i].sizes());
      for (int64_t k = 0; !direction.empty() && k < value.count(); ++k) {
        tangent.set(k, direction[i].at(k));
        value.set(k, point_[i].at(k) + step * direction[i].at(k));
      }
      if (wrt_[i].node().role == Role::Parameter)
        graph_.set_parameter(wrt_[i].node().name, value);
      else
        all[wrt_[i].node().name] = value;
      all["check_gradients.direction." + std::to_string(i)] = tangent;
    }
    return all;
  }

  std::vector<std::pair<std::string, Direction>> directions() const {
    std::vector<std::pair<std::string, Direction>> list;
    Direction none;
    for (const Tensor& x : point_) none.emplace_back(Type::f64, x.sizes());
    for (size_t i = 0; i < point_.size(); ++i)
      for (int64_t k = 0; k < std::min(point_[i].count(), options_.axes); ++k)
        for (const double sign : {1.0, -1.0}) {
          list.emplace_back(fmt::format("'{}'[{}], towards {:+}", wrt_[i].node().name, k, sign), none);
          list.back().second[i].set(k, sign);
        }
    std::mt19937_64 random(options_.seed);
    for (int j = 0; j < options_.directions; ++j) {
      list.emplace_back(fmt::format("random direction {} (seed {})", j, options_.seed), none);
      for (Tensor& part : list.back().second)
        for (int64_t k = 0; k < part.count(); ++k)
          part.set(k, static_cast<double>(static_cast<int64_t>(random() >> 43) * 2 + 1) * 0x1p-21 - 1);
    }
    return list;
  }

  /// What a step crosses, or nothing: the sides must be the same all along it.
  std::string crossed(double step, const Direction& direction) {
    const Sides near = probe_->sides(bind(step / 16, direction));
    for (const double part : {step / 4, step}) {
      const Sides far = probe_->sides(bind(part, direction));
      for (const Sides& from : {start_, near})
        if (std::string kink = probe_->crossed(from, far); !kink.empty()) return kink;
    }
    return probe_->crossed(start_, near);
  }

  double step_for(const std::string& name, const Direction& direction) {
    const bool fixed = options_.step > 0;
    std::string kink;
    for (double step = fixed ? options_.step : longest_step; step >= (fixed ? options_.step : shortest_step);
         step /= 2) {
      kink = crossed(step, direction);
      if (kink.empty()) return step;
    }
    fail("[check_gradients] a step of {} along {} crosses {}: want a smaller step, or another point (at {})",
         fixed ? options_.step : shortest_step, name, kink, to_string(where_));
  }

  void compare(const std::string& what, double got, double want, double step) {
    const double error = error_of(got, want);
    ++result_.compared;
    result_.worst = std::max(result_.worst, error);
    expect(error <= options_.tolerance,
           "[check_gradients] wrong {}: got {}, differences of step {} give {} (relative error {:.3g}, "
           "tolerance "
           "{:.3g}; loss is node {}, at {})",
           what, got, step, want, error, options_.tolerance, describe(graph_, loss_.id()), to_string(where_));
  }

  void check_direction(const std::string& name, const Direction& direction) {
    const double step = step_for(name, direction);
    const std::vector<Value> wanted{locked_.value, locked_.derivatives[0]};
    const std::vector<Tensor> here = evaluate(graph_, bind(0, direction), wanted);
    const auto quotient = [&](double h) {
      return (evaluate(graph_, bind(h, direction), {&loss_, 1})[0].item() - here[0].item()) / h;
    };
    const double want = 2 * quotient(step / 2) - quotient(step);
    compare("directional derivative along " + name, here[1].item(), want, step);
    if (result_.kinks > 0) return;
    double along = 0;
    for (size_t i = 0; i < direction.size(); ++i)
      for (int64_t k = 0; k < direction[i].count(); ++k) along += gradient_[i].at(k) * direction[i].at(k);
    compare("gradient along " + name, along, want, step);
  }

  void compare_with_selected(const std::vector<Tensor>& selected) {
    for (size_t i = 0; i < selected.size(); ++i)
      for (int64_t k = 0; k < selected[i].count(); ++k) {
        const double got = gradient_[i].at(k), want = selected[i].at(k), error = error_of(got, want);
        ++result_.compared;
        result_.worst = std::max(result_.worst, error);
        expect(error <= options_.tolerance,
               "[check_gradients] wrong gradient of '{}'[{}]: got {}, the rule selects {} (relative error "
               "{:.3g}, "
               "tolerance {:.3g}; at {})",
               wrt_[i].node().name, k, got, want, error, options_.tolerance, to_string(where_));
      }
  }

  /// Every loop point of an operation that sits on a kink, and every argument of it.
  void check_operation(NodeId id) {
    LoopBuilder builder(graph_, id);
    const Node& node = builder.node();
    const KinkRule rule = effective_rule(graph_, node, options_.gradient);
    std::vector<Value> reads;
    for (int k = 0; k < static_cast<int>(node.operands.size()); ++k) {
      LoopBuilder reader(graph_, id);
      const Scalar operand = reader.operand(k);
      reads.push_back(reader.build_at_points("operand", operand, Type::f64, where_));
    }
    const Bindings here = bind(0, {});
    const std::vector<Tensor> operands = evaluate(graph_, here, reads);
    BodyPoint point{
        .body = builder.body(), .sizes = crease::bind(graph_, here), .constants = builder.constants()};
    for (int64_t at = 0; !operands.empty() && at < operands[0].count(); ++at) {
      point.arguments.clear();
      for (const Tensor& operand : operands) point.arguments.push_back(operand.at(at));
      point.labels = labels_at(operands[0].sizes(), at);
      if (is_on_kink(point)) check_point(id, point, rule, builder);
    }
  }

  static std::vector<double> labels_at(const std::vector<int64_t>& sizes, int64_t at) {
    std::vector<double> labels(sizes.size());
    for (size_t d = sizes.size(); d-- > 0; at /= sizes[d]) labels[d] = static_cast<double>(at % sizes[d]);
    return labels;
  }

  void check_point(NodeId id, const BodyPoint& point, const KinkRule& rule, const LoopBuilder& builder) {
    const Node& node = builder.node();
    for (int k = 0; k < static_cast<int>(node.operands.size()); ++k) {
      const NodeId operand = node.operands[static_cast<size_t>(k)];
      if (builder.representative(k) != k || !watched_[static_cast<size_t>(operand)] ||
          !is_floating(graph_.node(operand).type) || !is_floating(node.type))
        continue;
      const double step = options_.step > 0 ? options_.step : longest_step;
      const auto want = difference_slope(point, k, rule, step);
      if (!want) continue;
      const double got = evaluate(slope(point.body, k, rule, point.constants), point);
      if (std::isinf(got) || std::isnan(got)) continue;
      compare(fmt::format("slope of operand {} of node {} '{}'", k, describe(graph_, id), node.op->name), got,
              *want, step);
    }
  }

  CheckOptions options_;
  std::source_location where_;
  Graph graph_;
  Value loss_;
  Bindings at_;
  std::vector<Value> wrt_;
  std::vector<Tensor> point_, gradient_;
  std::unique_ptr<bool[]> watched_;
  std::optional<KinkProbe> probe_;
  LockedGradient locked_;
  Sides start_;
  GradientCheck result_;
};

}  // namespace

GradientCheck check_gradients(const Value& loss, ValueSpan wrt, const Bindings& at,
                              const CheckOptions& options, std::source_location where) {
  return check_gradients(loss, wrt, {}, at, options, where);
}

GradientCheck check_gradients(const Value& loss, ValueSpan wrt, ValueSpan gradients, const Bindings& at,
                              const CheckOptions& options, std::source_location where) {
  check_loss("check_gradients", loss, where);
  check_derivative("check_gradients", {&loss, 1}, wrt, where);
  expect(gradients.empty() || gradients.size() == wrt.size(),
         "[check_gradients] {} variables, {} gradients (at {})", wrt.size(), gradients.size(),
         to_string(where));
  for (size_t i = 0; i < gradients.size(); ++i)
    check_like("check_gradients", "gradient", gradients[i], wrt[i], where);
  return Check(loss, wrt, at, options, where).run(gradients);
}

}  // namespace crease
