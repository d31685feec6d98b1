#include "graph/analysis/path_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "graph/analysis/bounds/directed.h"
#include "graph/analysis/bounds/node_bounds.h"
#include "graph/analysis/degree.h"
#include "graph/analysis/exact.h"
#include "graph/analysis/points.h"
#include "graph/evaluate.h"
#include "graph/scalar/tape.h"
#include "graph/stored.h"

namespace crease {
namespace {

/// Expressions of parameters are evaluated exactly, about 1 us an element.
constexpr size_t largest_expression = size_t{1} << 18;

/// |x| for L1 and Lipschitz, x^2 for L2Squared.
Rational sized(const Rational& x, PathRule rule) { return rule == PathRule::L2Squared ? x * x : x.abs(); }
void assign(Rational& number, double x, PathRule rule) { number = sized(Rational::of(x), rule); }
void assign(RoundedUp& number, double x, PathRule rule) {
  const RoundedUp size{std::abs(x)};
  number = rule == PathRule::L2Squared ? size * size : size;
}
void assign(Rational& number, const Rational& x, PathRule rule) { number = sized(x, rule); }
void assign(RoundedUp& number, const Rational& x, PathRule rule) {
  number = {RoundedUp::up(sized(x, rule).to_double())};
}
bool is_zero(const Rational& x) { return x.is_zero(); }
bool is_zero(const RoundedUp& x) { return x.value == 0; }

/// A body as steps over nonnegative numbers.
template <class Number>
class PathBody {
 public:
  /// `varies[k]`: argument k depends on the inputs. What cannot be carried is said in `reason`.
  PathBody(const Scalar& body, const std::vector<bool>& varies, PathRule rule) : rule_(rule) {
    const bool unary = arity(body) == 1 && varies[0];
    if (const auto table = unary ? piecewise_linear(body) : std::nullopt) {
      read(*table);
      return;
    }
    std::map<const ScalarNode*, int> place;
    for (const Scalar& node : topological(body)) {
      add(node, place, varies);
      place[node.id()] = static_cast<int>(steps_.size()) - 1;
    }
    registers_.resize(steps_.size());
  }

  const std::string& reason() const { return reason_; }

  Number run(const std::vector<Number>& arguments) {
    if (slope_) return *slope_ * arguments[0] + offset_;
    for (size_t i = 0; i < steps_.size(); ++i) registers_[i] = value(steps_[i], arguments);
    return registers_.back();
  }

 private:
  enum class Kind : uint8_t { Argument, Fixed, Sum, Greater, Product, Quotient, Same };
  struct Step {
    Kind kind;
    bool varies;
    int a = 0, b = 0;
    Number fixed = {};
  };

  void read(const PiecewiseLinear& table) {
    const bool affine = is_affine(table);
    if (!is_continuous(table)) reason_ = "jumps";
    if (rule_ != PathRule::Lipschitz && !affine && homogeneous_degree(table) != 1)
      reason_ = "is not positively homogeneous";
    Rational steepest;
    for (const Rational& slope : table.slopes) steepest = std::max(steepest, sized(slope, rule_));
    slope_.emplace();
    // The size of a size is the size; of a square it is not, hence L1.
    assign(*slope_, steepest, PathRule::L1);
    if (affine && rule_ != PathRule::Lipschitz) assign(offset_, table.offsets[0], rule_);
  }

  void add(const Scalar& node, const std::map<const ScalarNode*, int>& place,
           const std::vector<bool>& varies) {
    const size_t count = node.terms().size();
    const int a = count > 0 ? place.at(node.terms()[0].id()) : 0;
    const int b = count > 1 ? place.at(node.terms()[1].id()) : 0;
    const bool first = count > 0 && steps_[static_cast<size_t>(a)].varies;
    const bool second = count > 1 && steps_[static_cast<size_t>(b)].varies;
    steps_.push_back({kind_of(node, first, second), first || second, a, b});
    Step& step = steps_.back();
    if (step.kind == Kind::Argument) {
      step.a = node.position();
      step.varies = varies[static_cast<size_t>(node.position())];
    }
    if (node.kind() == ScalarKind::Constant) {
      if (!std::isfinite(node.constant())) reason_ = "has an infinite constant";
      if (std::isfinite(node.constant())) assign(step.fixed, node.constant(), rule_);
    }
    // What does not vary adds nothing to a change.
    if (rule_ == PathRule::Lipschitz && step.varies &&
        (step.kind == Kind::Sum || step.kind == Kind::Greater) && first != second) {
      step.a = first ? a : b;
      step.kind = Kind::Same;
    }
  }

  Kind kind_of(const Scalar& node, bool first, bool second) {
    switch (node.kind()) {
      case ScalarKind::Argument: return Kind::Argument;
      case ScalarKind::Constant: return Kind::Fixed;
      case ScalarKind::Add:
      case ScalarKind::Subtract: return Kind::Sum;
      case ScalarKind::Max:
      case ScalarKind::Min:
        if (rule_ == PathRule::Lipschitz) return Kind::Greater;
        // max(x, c) is an activation whose table is not known here.
        if (first != second) reason_ = "has a threshold that is a parameter";
        return Kind::Sum;
      case ScalarKind::Negate: return Kind::Same;
      case ScalarKind::Multiply:
        if (first && second) reason_ = "multiplies two values that depend on the inputs";
        return Kind::Product;
      case ScalarKind::Divide:
        if (second) reason_ = "divides by a value that depends on the inputs";
        return Kind::Quotient;
      default:
        reason_ = rule_ == PathRule::Lipschitz ? "is not piecewise linear" : "is not positively homogeneous";
        return Kind::Fixed;
    }
  }

  Number value(const Step& step, const std::vector<Number>& arguments) {
    const auto at = [&](int place) -> const Number& { return registers_[static_cast<size_t>(place)]; };
    switch (step.kind) {
      case Kind::Argument: return arguments[static_cast<size_t>(step.a)];
      case Kind::Fixed: return step.fixed;
      case Kind::Sum: return at(step.a) + at(step.b);
      case Kind::Greater: return at(step.a) < at(step.b) ? at(step.b) : at(step.a);
      case Kind::Product: return at(step.a) * at(step.b);
      case Kind::Quotient:
        if (is_zero(at(step.b))) reason_ = "divides by 0";
        return is_zero(at(step.b)) ? Number{} : at(step.a) / at(step.b);
      case Kind::Same: return at(step.a);
    }
    return {};
  }

  PathRule rule_;
  std::vector<Step> steps_;
  std::vector<Number> registers_;
  std::optional<Number> slope_;
  Number offset_ = {};
  std::string reason_;
};

template <class Number>
class PathSweep {
 public:
  PathSweep(const Graph& graph, PathRule rule) : graph_(graph), rule_(rule) {}

  PathSums<Number> run() {
    std::vector<NodeId> wanted;
    for (const Output& output : graph_.outputs()) wanted.push_back(output.node);
    PathSums<Number> sums;
    for (const NodeId id : ancestors(graph_, wanted)) {
      sums.reason = visit(id);
      if (!sums.reason.empty()) return sums;
    }
    for (const NodeId id : wanted)
      for (const Number& value : values_.at(id))
        sums.outputs.push_back(varies_.at(id) || rule_ != PathRule::Lipschitz ? value : Number{});
    return sums;
  }

 private:
  using Values = std::vector<Number>;

  /// |slope| * base + |offset|: elements behind affine maps without sums, such as batch normalisation, whose
  /// constants are taken together before their size is.
  struct Folded {
    Number base;
    Rational slope = 1, offset = 0;
  };

  /// Empty, or why not.
  std::string visit(NodeId id) {
    const Node& node = graph_.node(id);
    if (node.role == Role::Random) return fmt::format("{} is random", describe(graph_, id));
    if (node.role == Role::Scan) return fmt::format("{} is a loop over time", describe(graph_, id));
    const bool weight = node.role != Role::Input &&
                        std::ranges::none_of(node.operands, [&](NodeId k) { return varies_.at(k); });
    varies_[id] = !weight;
    Values& values = values_[id];
    values.resize(static_cast<size_t>(sample_count(node.shape)));
    if (weight) return read_weight(id, values);
    if (node.role == Role::Input) {
      for (Number& value : values) assign(value, 1.0, rule_);
      return "";
    }
    const std::string why = apply(id, values);
    return why.empty() ? "" : fmt::format("{} {} {}", node.op->name, describe(graph_, id), why);
  }

  std::string read_weight(NodeId id, Values& values) {
    const Node& node = graph_.node(id);
    if (node.role == Role::Apply) {
      if (values.size() > largest_expression)
        return fmt::format("{} is an expression of parameters with {} elements", describe(graph_, id),
                           values.size());
      auto exact = evaluate_exactly(graph_, {}, std::array{id});
      if constexpr (std::is_same_v<Number, RoundedUp>)
        if (!exact && enclose_weight(id, values)) return "";
      if (!exact) return fmt::format("{} has no rational value", describe(graph_, id));
      if (folds_) weights_[id] = exact->at(id);
      for (size_t i = 0; i < values.size(); ++i) assign(values[i], exact->at(id)[i], rule_);
      if constexpr (std::is_same_v<Number, RoundedUp>)
        for (const Rational& x : exact->at(id))
          least_[id].push_back({std::nextafter(sized(x, rule_).to_double(), 0.0)});
      return "";
    }
    const Tensor numbers = node.value.converted(Type::f64);
    const std::span<const double> stored = numbers.read<double>();
    for (size_t i = 0; i < values.size(); ++i) {
      const double number = stored[i];
      if (!std::isfinite(number)) return fmt::format("{} is not finite", describe(graph_, id));
      assign(values[i], number, rule_);
      if (folds_) weights_[id].push_back(Rational::of(number));
    }
    return "";
  }

  /// Magnitudes of irrational weights, bounded above, and below for divisions. False: one may be 0 or
  /// infinite.
  bool enclose_weight(NodeId id, Values& values) {
    const NodeBounds bounds = std::move(node_bounds(graph_, {}, {id})[static_cast<size_t>(id)]);
    Values& least = least_[id];
    for (size_t i = 0; i < values.size(); ++i) {
      const Interval x = bounds.at(static_cast<int64_t>(i));
      if (!x.is_finite() || x.contains(0)) return false;
      assign(values[i], x.magnitude(), rule_);
      const double low = std::min(std::abs(x.low), std::abs(x.high));
      least.push_back({rule_ == PathRule::L2Squared ? std::nextafter(low * low, 0.0) : low});
    }
    return true;
  }

  /// Puts lower bounds in place of divisors that are not exact. Empty, or why not.
  std::string use_least(const Node& node, std::vector<const Values*>& operands) const {
    const Scalar& body = node.op->body.expression;
    const auto order = topological(body);
    for (size_t k = 0; k < operands.size(); ++k) {
      const auto least = least_.find(node.operands[k]);
      const bool divides =
          least != least_.end() && std::ranges::any_of(order, [&](const Scalar& e) {
            return e.kind() == ScalarKind::Divide && depends_on(e.terms()[1], static_cast<int>(k));
          });
      if (!divides) continue;
      if (body.kind() != ScalarKind::Divide || body.terms()[1].kind() != ScalarKind::Argument ||
          depends_on(body.terms()[0], static_cast<int>(k)))
        return "divides by a term with inexact weights";
      operands[k] = &least->second;
    }
    return "";
  }

  /// A product of matrices, or a reshape of one.
  bool is_product(NodeId id) const {
    while (graph_.node(id).role == Role::Apply) {
      const Node& node = graph_.node(id);
      const Family kind = family(*node.op, node.loops);
      if (kind != Family::Movement) return kind == Family::Contraction;
      id = node.operands[0];
    }
    return false;
  }

  /// The one operand that varies, if the node is an affine map of it, element by element.
  std::optional<size_t> folded_operand(const Node& node, const std::vector<bool>& varies) const {
    if (!folds_ || node.op->combine != Combine::Assign) return {};
    if (std::ranges::count(varies, true) != 1) return {};
    const auto place = static_cast<size_t>(std::ranges::find(varies, true) - varies.begin());
    // What is added to a product of matrices is the layer's own bias.
    if (node.op->body.expression.kind() == ScalarKind::Add && is_product(node.operands[place])) return {};
    std::vector<Degree> degrees(varies.size(), 0);
    degrees[place] = 1;
    if (degree_of(node.op->body.expression, degrees) != 1) return {};
    return place;
  }

  /// Empty, or why not.
  std::string fold(NodeId id, size_t place, Values& result) {
    const Node& node = graph_.node(id);
    const NodeId from = node.operands[place];
    std::vector<Folded> folded(result.size());
    std::vector<Rational> arguments(node.operands.size());
    for (PointWalk walk(graph_, id); walk.valid(); walk.next()) {
      if (!walk.inside()) continue;
      const auto read = [&](size_t k) { return static_cast<size_t>(walk.read(k)); };
      const auto known = folded_.find(from);
      const Folded before =
          known == folded_.end() ? Folded{values_.at(from)[read(place)], 1, 0} : known->second[read(place)];
      for (size_t k = 0; k < arguments.size(); ++k)
        if (k != place) arguments[k] = weights_.at(node.operands[k])[read(k)];
      arguments[place] = before.offset;
      const auto offset = evaluate_exactly(node.op->body.expression, arguments, walk.labels());
      arguments[place] += before.slope;
      const auto end = evaluate_exactly(node.op->body.expression, arguments, walk.labels());
      if (!offset || !end) return "has no rational value";
      Folded& after = folded[static_cast<size_t>(walk.write())];
      after = {before.base, *end - *offset, *offset};
      Number slope, size;
      assign(slope, after.slope, rule_);
      assign(size, after.offset, rule_);
      result[static_cast<size_t>(walk.write())] = slope * after.base + size;
    }
    folded_[id] = std::move(folded);
    return "";
  }

  /// Sums of products of a weight and a value that varies: most of the work of a network. False: not done.
  bool sum_products(NodeId id, const std::vector<bool>& varies, Values& result) const {
    const Node& node = graph_.node(id);
    const Scalar& body = node.op->body.expression;
    if (node.op->combine != Combine::Sum || node.operands.size() != 2 || varies[0] == varies[1]) return false;
    if (body.kind() != ScalarKind::Multiply || body.terms()[0].kind() != ScalarKind::Argument ||
        body.terms()[1].kind() != ScalarKind::Argument || body.terms()[0].same(body.terms()[1]))
      return false;
    std::array<std::vector<double>, 2> sizes;
    for (size_t k = 0; k < 2; ++k)
      for (const Number& number : values_.at(node.operands[k])) {
        if (!std::isfinite(number.value)) return false;
        sizes[k].push_back(number.value);
      }
    const int accesses[] = {LoopNest::kResult, 0, 1};
    std::vector<double> sums(result.size());
    add_products_up(LoopNest(graph_, id, accesses), sizes[0].data(), sizes[1].data(), sums.data());
    std::ranges::transform(sums, result.begin(), [](double sum) { return Number{sum}; });
    return true;
  }

  std::string apply(NodeId id, Values& result) {
    const Node& node = graph_.node(id);
    const Combine how = node.op->combine;
    if (has_lookup(node)) return "looks up";
    if (!stores_exactly(graph_, node)) return "cuts numbers to integers or wraps them around";
    if (how == Combine::Product || gives_position(how)) return "is no sum of paths";
    const bool greatest = rule_ == PathRule::Lipschitz && (how == Combine::Max || how == Combine::Min);
    std::vector<bool> varies;
    std::vector<const Values*> operands;
    for (const NodeId operand : node.operands) {
      varies.push_back(varies_.at(operand));
      operands.push_back(&values_.at(operand));
    }
    if (const auto place = folded_operand(node, varies)) return fold(id, *place, result);
    if constexpr (std::is_same_v<Number, RoundedUp>) {
      if (sum_products(id, varies, result)) return "";
      if (std::string why = use_least(node, operands); !why.empty()) return why;
    }
    PathBody<Number> body(node.op->body.expression, varies, rule_);
    std::vector<Number> arguments(operands.size());
    for (PointWalk walk(graph_, id); walk.valid() && body.reason().empty(); walk.next()) {
      if (!walk.inside()) continue;
      for (size_t k = 0; k < arguments.size(); ++k)
        arguments[k] = (*operands[k])[static_cast<size_t>(walk.read(k))];
      const Number value = body.run(arguments);
      Number& sum = result[static_cast<size_t>(walk.write())];
      if (!greatest) sum = sum + value;
      if (greatest && sum < value) sum = value;
    }
    return body.reason();
  }

  const Graph& graph_;
  PathRule rule_;
  /// Exact norms fold; a bound need not, for |a + b| <= |a| + |b|.
  const bool folds_ = std::is_same_v<Number, Rational> && rule_ != PathRule::Lipschitz;
  std::map<NodeId, ExactValues> weights_;  // with signs, where folds_
  std::map<NodeId, std::vector<Folded>> folded_;
  std::map<NodeId, Values> values_;
  std::map<NodeId, Values> least_;  // lower bounds of computed weights; values_ has upper ones
  std::map<NodeId, bool> varies_;
};

}  // namespace

template <class Number>
PathSums<Number> path_sums(const Graph& graph, PathRule rule) {
  return PathSweep<Number>(graph, rule).run();
}
template PathSums<Rational> path_sums(const Graph&, PathRule);
template PathSums<RoundedUp> path_sums(const Graph&, PathRule);

}  // namespace crease
