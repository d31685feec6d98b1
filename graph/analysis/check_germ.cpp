#include "graph/analysis/check_germ.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <ranges>
#include <set>
#include <unordered_map>

#include "graph/analysis/check_dual.h"
#include "graph/ops/order.h"
#include "graph/stored.h"

namespace crease::checker {
namespace {

using Kind = ScalarKind;
using Partials = std::map<Element, Rational>;

/// The sign of the first tangent that is not 0, or 0.
int sign_of(std::span<const Rational> tangents) {
  for (const Rational& t : tangents)
    if (!t.is_zero()) return t.sign();
  return 0;
}

}  // namespace

/// The replay of one node.
class NodeReplay {
 public:
  NodeReplay(GermReplay& replay, NodeId id)
      : replay_(replay), node_(replay.graph_.node(id)), id_(id), body_(node_.op->body.expression) {
    std::vector<Scalar> arguments;
    for (size_t k = 0; k < node_.operands.size(); ++k) {
      size_t first = 0;
      while (node_.operands[first] != node_.operands[k] || node_.loops.reads[first] != node_.loops.reads[k])
        ++first;
      arguments.push_back(Scalar::argument(static_cast<int>(first)));
    }
    body_ = as_stored(substitute(body_, arguments));  // equal operands are one
    number(body_);
  }

  void run() {
    const int64_t size = count(node_.shape);
    const auto place = static_cast<size_t>(size);
    results_.resize(place);
    partials_.resize(place);
    candidates_.resize(place);
    written_.resize(place);
    for (Germ& germ : results_) germ.tangents.resize(replay_.setting_.directions.size());
    std::vector<int64_t> labels(node_.loops.labels.size());
    int64_t point = 0;
    const std::function<void(size_t)> descend = [&](size_t depth) {
      if (depth == labels.size()) return step(labels, point++);
      const int64_t extent = size_of(node_.loops.labels[depth].extent);
      for (labels[depth] = 0; labels[depth] < extent; ++labels[depth]) descend(depth + 1);
    };
    descend(0);
    if (is_extremum())
      for (int64_t e = 0; e < size; ++e) choose(e);
    replay_.values_[id_] = std::move(results_);
    replay_.partials_[id_] = std::move(partials_);
  }

 private:
  struct Candidate {
    int64_t point;
    Germ germ;
    Partials partials;
  };

  int64_t size_of(const Dim& dim) const {
    if (!dim.is_symbol()) return dim.size();
    const auto found = replay_.setting_.sizes.find(dim.symbol());
    if (found == replay_.setting_.sizes.end())
      throw Refused("the size of '" + dim.symbol() + "' is not given");
    return found->second;
  }
  int64_t count(const Shape& shape) const {
    int64_t total = 1;
    for (const Dim& dim : shape) total *= size_of(dim);
    return total;
  }
  /// The body with its result cut towards 0 where an integer type keeps no more of it; what wraps around is
  /// refused.
  Scalar as_stored(const Scalar& body) {
    if (stores_exactly(replay_.graph_, node_)) return body;
    const Type arithmetic = compute_type(operand_types(replay_.graph_, node_), node_.type);
    cut_ = is_floating(arithmetic) && node_.type != Type::boolean && node_.op->combine == Combine::Assign;
    if (!cut_)
      throw Refused(describe(replay_.graph_, id_) + " cuts numbers to integers or wraps them around");
    return select(body < 0, -floor(-body), floor(body));
  }
  bool is_extremum() const { return node_.op->combine == Combine::Max || node_.op->combine == Combine::Min; }

  /// Comparisons of the body, in order of evaluation: terms first, each once.
  void number(const Scalar& scalar) {
    if (!seen_.emplace(scalar.id(), -1).second) return;
    for (const Scalar& term : scalar.terms()) number(term);
    switch (scalar.kind()) {
      case Kind::Max:
      case Kind::Min:
      case Kind::Less:
      case Kind::LessEqual:
      case Kind::Equal:
      case Kind::Floor:
        if (depends_on_arguments(scalar)) seen_[scalar.id()] = comparisons_++;
        break;
      default: break;
    }
  }

  /// Flat position of an access, or -1 outside.
  int64_t locate(const Access& access, const Shape& shape, const std::vector<int64_t>& labels) const {
    int64_t flat = 0;
    for (size_t d = 0; d < access.size(); ++d) {
      int64_t at = access[d].offset;
      for (const Term& term : access[d].terms)
        at += term.coefficient * labels[static_cast<size_t>(term.label)];
      if (access[d].lookup >= 0) {
        const auto k = static_cast<size_t>(access[d].lookup);
        const NodeId operand = node_.operands[k];
        if (replay_.active_.at(operand)) throw Refused("a position depends on a variable");
        const int64_t from = locate(node_.loops.reads[k], replay_.graph_.node(operand).shape, labels);
        if (from < 0) return -1;
        at = static_cast<int64_t>(replay_.values_.at(operand)[static_cast<size_t>(from)].value.to_double());
      }
      const int64_t size = size_of(shape[d]);
      if (at < 0 || at >= size) return -1;
      flat = flat * size + at;
    }
    return flat;
  }

  void step(const std::vector<int64_t>& labels, int64_t point) {
    if (--replay_.budget_ < 0) throw Refused("the program is too large for an exact replay");
    const int64_t write = locate(node_.loops.write, node_.shape, labels);
    std::vector<int64_t>& reads = reads_;
    reads.clear();
    for (size_t k = 0; k < node_.operands.size(); ++k)
      reads.push_back(locate(node_.loops.reads[k], replay_.graph_.node(node_.operands[k]).shape, labels));
    if (write < 0 || std::ranges::find(reads, -1) != reads.end()) return;
    arguments_.clear();
    for (size_t k = 0; k < reads.size(); ++k) {
      const NodeId operand = node_.operands[k];
      const Germ& germ = replay_.values_.at(operand)[static_cast<size_t>(reads[k])];
      Dual argument{germ.value, germ.tangents, {}};
      if (replay_.active_.at(operand)) argument.partials[static_cast<int>(k)] = 1;
      arguments_.push_back(std::move(argument));
    }
    known_.clear();
    labels_ = &labels;
    point_ = point;
    if (is_extremum() && loses(body_)) return;
    const Dual value = evaluate(body_);
    if (cut_ && !is_number_of(node_.type, value.value))
      throw Refused(describe(replay_.graph_, id_) + " wraps a number around");
    combine(static_cast<size_t>(write), {point, {value.value, value.tangents}, of_elements(value)});
  }

  void combine(size_t element, Candidate candidate) {
    switch (node_.op->combine) {
      case Combine::Max:
      case Combine::Min: candidates_[element].push_back(std::move(candidate)); return;
      case Combine::Assign:
        if (written_[element]) throw Refused("two loop points assign one element");
        break;
      case Combine::Sum: break;
      case Combine::Product:
      case Combine::ArgMax:
      case Combine::ArgMin: throw Refused(std::string(to_string(node_.op->combine)) + " is not replayed");
    }
    written_[element] = true;
    Germ& germ = results_[element];
    germ.value += candidate.germ.value;
    for (size_t j = 0; j < germ.tangents.size(); ++j) germ.tangents[j] += candidate.germ.tangents[j];
    for (const auto& [read, p] : candidate.partials) partials_[element][read] += p;
  }

  /// Whether a is a better extremum than b, by value and then by tangents.
  bool better(const Germ& a, const Germ& b) const {
    const int want = node_.op->combine == Combine::Max ? 1 : -1;
    if (a.value != b.value) return (a.value - b.value).sign() == want;
    for (size_t j = 0; j < a.tangents.size(); ++j)
      if (a.tangents[j] != b.tangents[j]) return (a.tangents[j] - b.tangents[j]).sign() == want;
    return false;
  }

  void choose(int64_t element) {
    auto& list = candidates_[static_cast<size_t>(element)];
    if (list.empty()) throw Refused("an extremum over nothing is infinite");
    const Candidate* best = &list[0];
    for (const Candidate& candidate : list)
      if (better(candidate.germ, best->germ)) best = &candidate;
    std::vector<const Candidate*> level, functions;
    for (const Candidate& candidate : list) {
      if (candidate.germ.value != best->germ.value) continue;
      level.push_back(&candidate);
      const bool fresh = std::ranges::none_of(functions, [&](const Candidate* other) {
        return other->germ.tangents == candidate.germ.tangents &&
               all_zero(difference(other->partials, candidate.partials));
      });
      if (fresh) functions.push_back(&candidate);
    }
    // The elements of an order statistic are told apart by their ranks, which are ties of their own.
    if (level.size() > 1 && !order_of(*node_.op)) record(level, functions, *best);
    if (functions.size() > 1 && replay_.setting_.forced > 0)
      best = functions[static_cast<size_t>(replay_.setting_.forced) - 1];
    results_[static_cast<size_t>(element)] = best->germ;
    Partials& partials = partials_[static_cast<size_t>(element)] = best->partials;
    // Those that no direction tells from the best have its derivatives, but may be other functions.
    for (const Candidate* one : functions)
      if (one->germ.tangents == best->germ.tangents)
        for (const auto& [read, p] : one->partials) partials.try_emplace(read, 0);
  }

  void record(const std::vector<const Candidate*>& level, const std::vector<const Candidate*>& functions,
              const Candidate& best) {
    GermTie tie{.node = id_, .comparison = -1, .ways = static_cast<int>(functions.size()), .decided = true};
    for (const Candidate* candidate : level) {
      tie.points.push_back(candidate->point);
      replay_.level_[{id_, -1, candidate->point}] =
          best.germ.tangents.empty() ? Rational() : candidate->germ.tangents[0] - best.germ.tangents[0];
    }
    for (const Candidate* one : functions) {
      if (one->germ.tangents != best.germ.tangents) continue;
      if (!vanishes(difference(one->partials, best.partials))) tie.decided = false;
    }
    if (functions.size() > 1) replay_.ties_.push_back(std::move(tie));
  }

  /// The sign of a difference next to the point; 0 where both sides are one function, or nothing decides.
  int decide(const Scalar& scalar, const Dual& difference) {
    if (!difference.value.is_zero()) return difference.value.sign();
    const int comparison = seen_.at(scalar.id());
    if (comparison >= 0)
      replay_.level_[{id_, comparison, point_}] =
          difference.tangents.empty() ? Rational() : difference.tangents[0];
    const int sign = sign_of(difference.tangents);
    Partials partials = of_elements(difference);
    const bool extremum = scalar.kind() == Kind::Max || scalar.kind() == Kind::Min;
    if (sign == 0 && all_zero(partials) && (extremum || !difference.curved)) return 0;
    if (sign == 0 && !varies(partials)) return 0;
    // Sides that touch may be apart all around the point, as x * x and 0 are.
    if (all_zero(partials)) throw Refused("sides that are compared touch: no derivative tells them apart");
    // The branches of max and min differ by what is compared: where that is level, so are they.
    const bool same = sign == 0 && extremum && vanishes(std::move(partials));
    replay_.ties_.push_back(
        {.node = id_, .comparison = comparison, .points = {point_}, .ways = 2, .decided = sign != 0 || same});
    if (replay_.setting_.forced > 0) return replay_.setting_.forced == 1 ? 1 : -1;
    return sign;
  }

  Partials of_elements(const Dual& value) const {
    Partials partials;
    for (const auto& [k, p] : value.partials)
      partials[{node_.operands[static_cast<size_t>(k)], reads_[static_cast<size_t>(k)]}] += p;
    return partials;
  }

  static Partials difference(Partials a, const Partials& b) {
    for (const auto& [read, p] : b) a[read] -= p;
    return a;
  }

  static bool all_zero(const Partials& partials) {
    return std::ranges::all_of(partials, [](const auto& entry) { return entry.second.is_zero(); });
  }

  bool is_variable(NodeId id) const {
    return std::ranges::find(replay_.setting_.variables, id) != replay_.setting_.variables.end();
  }

  /// Whether what has these partial derivatives depends on a variable at all: counts of comparisons, such as
  /// ranks, do not next to the point.
  bool varies(const Partials& partials) {
    std::set<Element> open, seen;
    for (const auto& [element, p] : partials) open.insert(element);
    while (!open.empty()) {
      const Element element = *open.begin();
      open.erase(open.begin());
      if (is_variable(element.first)) return true;
      const auto before = replay_.partials_.find(element.first);
      if (!seen.insert(element).second || before == replay_.partials_.end()) continue;
      for (const auto& [read, p] : before->second[static_cast<size_t>(element.second)]) {
        if (--replay_.budget_ < 0) throw Refused("the program is too large for an exact replay");
        open.insert(read);
      }
    }
    return false;
  }

  /// Whether what has these partial derivatives has gradient 0.
  bool vanishes(Partials partials) {
    while (!partials.empty()) {
      const auto [element, p] = *partials.rbegin();
      partials.erase(std::prev(partials.end()));
      if (p.is_zero()) continue;
      const auto before = replay_.partials_.find(element.first);
      if (before == replay_.partials_.end()) {
        if (is_variable(element.first)) return false;
        continue;
      }
      for (const auto& [read, q] : before->second[static_cast<size_t>(element.second)]) {
        if (--replay_.budget_ < 0) throw Refused("the program is too large for an exact replay");
        partials[read] += p * q;
      }
    }
    return true;
  }

  Dual number_of(Rational value) const {
    return {std::move(value), std::vector<Rational>(replay_.setting_.directions.size()), {}};
  }

  /// A number of the body as the node's arithmetic holds it: clip(-0.1, 0.1) in f32 has a kink at 0.1f.
  double held(double constant) const {
    const Type type = compute_type(operand_types(replay_.graph_, node_), node_.type);
    return type == Type::f32 ? static_cast<double>(static_cast<float>(constant)) : constant;
  }

  const Dual& evaluate(const Scalar& scalar) {
    const auto found = known_.find(scalar.id());
    if (found != known_.end()) return found->second;
    Dual value = compute(scalar);
    return known_.emplace(scalar.id(), std::move(value)).first->second;
  }

  /// Whether a point of an extremum is the infinity that no other point can be beaten by.
  bool loses(const Scalar& scalar) {
    if (scalar.kind() == Kind::Select)
      return loses(scalar.terms()[evaluate(scalar.terms()[0]).value.is_zero() ? 2 : 1]);
    return infinity(scalar) == (node_.op->combine == Combine::Max ? -1 : 1);
  }

  static int infinity(const Scalar& scalar) {
    if (scalar.kind() != Kind::Constant || !std::isinf(scalar.constant())) return 0;
    return scalar.constant() > 0 ? 1 : -1;
  }

  Dual compute(const Scalar& scalar) {
    switch (scalar.kind()) {
      case Kind::Constant:
        if (!std::isfinite(held(scalar.constant()))) throw Refused("a constant is not finite");
        return number_of(Rational::of(held(scalar.constant())));
      case Kind::Argument: return arguments_[static_cast<size_t>(scalar.position())];
      case Kind::Index: return number_of((*labels_)[static_cast<size_t>(scalar.position())]);
      case Kind::Size: return number_of(size_of(Dim(scalar.symbol())));
      case Kind::Select: return evaluate(scalar.terms()[evaluate(scalar.terms()[0]).value.is_zero() ? 2 : 1]);
      default: break;
    }
    if (scalar.terms().size() == 2)
      if (const int sign = infinity(scalar.terms()[0]) - infinity(scalar.terms()[1]); sign != 0)
        return choose_side(scalar, sign);
    const Dual u = evaluate(scalar.terms()[0]);
    return scalar.terms().size() == 1 ? unary(scalar, u) : binary(scalar, u, evaluate(scalar.terms()[1]));
  }

  Dual unary(const Scalar& scalar, const Dual& u) {
    if (scalar.kind() == Kind::Negate) return linear(-u.value, u, -1, u, 0);
    if (scalar.kind() == Kind::Not) return number_of(u.value.is_zero() ? 1 : 0);
    if (scalar.kind() == Kind::Floor) {
      Dual above = u;
      above.value = u.value - u.value.floor();
      const bool below = above.value.is_zero() && decide(scalar, above) < 0;
      return number_of(u.value.floor() - (below ? 1 : 0));
    }
    if (scalar.kind() == Kind::Sqrt && u.value.sign() > 0)
      if (const auto root = square_root(u.value))
        return curved_if(!u.partials.empty(), linear(*root, u, Rational(1) / (2 * *root), u, 0));
    throw Refused(std::string(name_of(scalar.kind())) + " has no exact rational derivative here");
  }

  Dual binary(const Scalar& scalar, const Dual& u, const Dual& v) {
    switch (scalar.kind()) {
      case Kind::Add: return linear(u.value + v.value, u, 1, v, 1);
      case Kind::Subtract: return linear(u.value - v.value, u, 1, v, -1);
      case Kind::Multiply:
        return curved_if(!u.partials.empty() && !v.partials.empty(),
                         linear(u.value * v.value, u, v.value, v, u.value));
      case Kind::Divide: {
        if (v.value.is_zero()) throw Refused("division by 0");
        const Rational quotient = u.value / v.value;
        return curved_if(!v.partials.empty(),
                         linear(quotient, u, Rational(1) / v.value, v, -quotient / v.value));
      }
      case Kind::And: return number_of(!u.value.is_zero() && !v.value.is_zero() ? 1 : 0);
      case Kind::Or: return number_of(!u.value.is_zero() || !v.value.is_zero() ? 1 : 0);
      default: break;
    }
    const int sign = decide(scalar, linear(u.value - v.value, u, 1, v, -1));
    Dual chosen = choose_side(scalar, sign);
    if (sign != 0 || (scalar.kind() != Kind::Max && scalar.kind() != Kind::Min)) return chosen;
    // The branch that is not taken has the same derivatives, but may be another function.
    const bool varies = !u.partials.empty() || !v.partials.empty();
    return curved_if(varies, linear(chosen.value, chosen, 1, scalar.kind() == Kind::Max ? u : v, 0));
  }

  /// A comparison whose first side less the second has this sign.
  Dual choose_side(const Scalar& scalar, int sign) {
    switch (scalar.kind()) {
      case Kind::Max: return evaluate(scalar.terms()[sign > 0 ? 0 : 1]);
      case Kind::Min: return evaluate(scalar.terms()[sign > 0 ? 1 : 0]);
      case Kind::Less: return number_of(sign < 0 ? 1 : 0);
      case Kind::LessEqual: return number_of(sign <= 0 ? 1 : 0);
      case Kind::Equal: return number_of(sign == 0 ? 1 : 0);
      default: throw Refused(std::string(name_of(scalar.kind())) + " is not replayed");
    }
  }

  GermReplay& replay_;
  const Node& node_;
  NodeId id_;
  Scalar body_;
  std::unordered_map<const ScalarNode*, int> seen_;
  int comparisons_ = 0;
  bool cut_ = false;
  std::vector<Germ> results_;
  std::vector<Partials> partials_;
  std::vector<std::vector<Candidate>> candidates_;
  std::vector<bool> written_;
  // Of the current point.
  std::vector<Dual> arguments_;
  std::vector<int64_t> reads_;
  std::unordered_map<const ScalarNode*, Dual> known_;
  const std::vector<int64_t>* labels_ = nullptr;
  int64_t point_ = 0;
};

GermReplay::GermReplay(const Graph& graph, NodeId loss, GermSetting setting)
    : graph_(graph), loss_(loss), setting_(std::move(setting)) {
  for (const NodeId id : ancestors(graph, {&loss, 1})) {
    const Node& node = graph.node(id);
    active_[id] = std::ranges::find(setting_.variables, id) != setting_.variables.end() ||
                  std::ranges::any_of(node.operands, [&](NodeId k) { return active_.at(k); });
    if (node.role == Role::Apply) {
      NodeReplay(*this, id).run();
      continue;
    }
    const auto given = setting_.leaves.find(id);
    const std::vector<Rational> numbers =
        given != setting_.leaves.end() ? given->second : values_of(graph, id, {});
    std::vector<Germ>& germs = values_[id];
    for (size_t e = 0; e < numbers.size(); ++e) {
      germs.push_back({numbers[e], {}});
      for (const auto& direction : setting_.directions) {
        const auto tangent = direction.find(id);
        germs.back().tangents.push_back(tangent == direction.end() ? Rational() : tangent->second.at(e));
      }
    }
  }
}

const Rational* GermReplay::level(NodeId node, int comparison, int64_t point) const {
  const auto found = level_.find({node, comparison, point});
  return found == level_.end() ? nullptr : &found->second;
}

std::map<NodeId, std::vector<Rational>> GermReplay::gradient() const {
  std::map<NodeId, std::vector<Rational>> adjoints;
  for (const auto& [id, germs] : values_) adjoints[id].resize(germs.size());
  adjoints.at(loss_)[0] = 1;
  for (const NodeId id : values_ | std::views::keys | std::views::reverse) {
    const auto partials = partials_.find(id);
    if (partials == partials_.end()) continue;
    for (size_t e = 0; e < partials->second.size(); ++e) {
      const Rational& adjoint = adjoints.at(id)[e];
      if (adjoint.is_zero()) continue;
      for (const auto& [read, p] : partials->second[e])
        adjoints.at(read.first)[static_cast<size_t>(read.second)] += adjoint * p;
    }
  }
  std::map<NodeId, std::vector<Rational>> result;
  for (const NodeId variable : setting_.variables) {
    const auto found = adjoints.find(variable);
    if (found != adjoints.end()) result[variable] = found->second;
  }
  return result;
}

}  // namespace crease::checker
