#include "graph/analysis/equivalence/box_equivalence.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "graph/analysis/bounds/form_bounds.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/joined.h"
#include "graph/analysis/normal_form/near_constants.h"
#include "graph/analysis/points.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

// Pairs of networks each of which BoxAnalysis bounds in exact arithmetic: what it decides is decided here.
constexpr int64_t kExactPoints = 2 * BoxOptions().exact_limit, kExactProducts = int64_t{1} << 21;

// Terms of a proof by lines that is written only for what it decides.
constexpr int64_t kLongProof = int64_t{1} << 12;

/// A number that is not smaller, with few bits.
Rational rounded_up(const Rational& value) {
  if (value.is_zero()) return 0;
  constexpr int64_t bits = 24;
  int exponent = 0;
  std::frexp(value.to_double(), &exponent);
  return value.floor(exponent - bits) + Rational::dyadic(2, exponent - bits);
}

/// Finds the relu of the first network next to an argument: by the values of both at a random point, then
/// exactly.
class Neighbours {
 public:
  Neighbours(LeafRange leaf, NodeId first_of_second) : leaf_(std::move(leaf)), end_(first_of_second) {}

  /// A number that nearly equal forms have nearly in common, and others hardly.
  double value(const Variables& variables, const Combination& form) {
    enter(variables);
    return value_at_point(form);
  }

  std::optional<NearRelu> find(const Variables& variables, const Combination& argument) {
    const double value = this->value(variables, argument);
    auto place = by_value_.lower_bound(value);
    std::optional<std::pair<double, int>> nearest;
    for (int step = 0; step < 2; ++step) {
      if (step == 1) {
        if (place == by_value_.begin()) break;
        --place;
      }
      if (place == by_value_.end()) continue;
      const double distance = std::fabs(place->first - value);
      if (!nearest || distance < nearest->first) nearest = {distance, place->second};
    }
    if (!nearest || nearest->first > most_apart * std::max(1.0, std::fabs(value))) return {};
    const Combination& other = variables[nearest->second].arguments[0];
    const FormRange apart = interval_range(variables, argument + Rational(-1) * other, leaf_),
                    all = interval_range(variables, other, leaf_);
    if (!apart.low || !apart.high || !all.low || !all.high) return {};
    const Rational error = std::max(apart.low->abs(), apart.high->abs());
    if (error > Rational::of(most_apart) * std::max(all.low->abs(), all.high->abs())) return {};
    return NearRelu{nearest->second, rounded_up(error)};
  }

 private:
  // Units further apart than this share of their values are not the same unit with rounded weights.
  static constexpr double most_apart = 1.0 / (1 << 14);

  /// Relus that were met since.
  void enter(const Variables& variables) {
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (; known_ < variables.all().size(); ++known_) {
      const Variable& variable = variables.all()[known_];
      point_.push_back(uniform(random_));
      if (variable.kind == VariableKind::Error) point_.back() = 0;
      if (variable.kind == VariableKind::Relu && variable.name.node < end_)
        by_value_.emplace(value_at_point(variable.arguments[0]), static_cast<int>(known_));
    }
  }

  double value_at_point(const Combination& form) const {
    double sum = form.constant.to_double();
    for (const auto& [variable, coefficient] : form.terms)
      sum += coefficient.to_double() * point_[static_cast<size_t>(variable)];
    return sum;
  }

  const LeafRange leaf_;
  const NodeId end_;  // nodes of the first network come before
  std::mt19937_64 random_{7};
  std::vector<double> point_;  // by variable
  size_t known_ = 0;
  std::multimap<double, int> by_value_;
};

/// What lines would say, in floating point: whether exact arithmetic is worth its time.
class Forecast {
 public:
  explicit Forecast(LeafRange leaf) : leaf_(std::move(leaf)) {}

  /// Whether lines decide the sign of a form.
  bool decides(const Variables& variables, const Combination& form) {
    for (size_t k = known_.size(); k < variables.all().size(); ++k) enter(variables.all()[k]);
    return lowest(form, 1) >= 0 || lowest(form, -1) >= 0;
  }

 private:
  struct Known {
    bool is_relu = false;
    double low = 0, high = 0;  // of the argument of a relu, else of itself
    std::vector<std::pair<int, double>> terms = {};
    double constant = 0;
  };

  void enter(const Variable& variable) {
    Known known{.is_relu = variable.kind == VariableKind::Relu};
    std::pair range{variable.range.low, variable.range.high};
    if (variable.kind == VariableKind::Leaf) range = leaf_(variable.name);
    if (variable.kind == VariableKind::Call) range = {};
    known.low = range.first ? range.first->to_double() : -kInfinity;
    known.high = range.second ? range.second->to_double() : kInfinity;
    if (known.is_relu) {
      for (const auto& [index, coefficient] : variable.arguments[0].terms)
        known.terms.emplace_back(index, coefficient.to_double());
      known.constant = variable.arguments[0].constant.to_double();
    }
    known_.push_back(std::move(known));
  }

  double lowest(const Combination& form, double sign) {
    factors_.assign(known_.size(), 0);
    double sum = sign * form.constant.to_double();
    for (const auto& [index, coefficient] : form.terms)
      factors_[static_cast<size_t>(index)] = sign * coefficient.to_double();
    for (size_t k = known_.size(); k-- > 0;) {
      const double factor = factors_[k];
      if (factor == 0) continue;
      const Known& x = known_[k];
      if (!x.is_relu) {
        sum += factor * (factor > 0 ? x.low : x.high);
        continue;
      }
      if (std::isinf(x.low) || std::isinf(x.high)) return -kInfinity;
      const bool above = factor < 0 && x.low < 0 && x.high > 0;
      const double slope = above ? x.high / (x.high - x.low) : x.high > -x.low ? 1 : 0;
      if (above) sum -= factor * slope * x.low;
      if (slope == 0) continue;
      sum += factor * slope * x.constant;
      for (const auto& [index, weight] : x.terms)
        factors_[static_cast<size_t>(index)] += factor * slope * weight;
    }
    return sum;
  }

  const LeafRange leaf_;
  std::vector<Known> known_;  // by variable
  std::vector<double> factors_;
};

/// Whether a range says which piece of a relu its argument is on.
bool has_sign(const FormRange& range) {
  return (range.low && range.low->sign() >= 0) || (range.high && range.high->sign() <= 0);
}

/// The proof of one pair.
class Prover {
 public:
  Prover(const Graph& a, const Graph& b, const InputBox& box, const BoxEquivalenceOptions& options)
      : a_(a), b_(b), options_(options), both_(joined(a, b)) {
    for (const NodeId id : both_.graph.inputs()) box_[id] = box_of(both_.graph, id, box);
    leaf_ = [this](const UnitName& leaf) { return range_of(leaf); };
    budget_ = options.line_limit;
    NodeId first_of_second = both_.graph.size();
    for (const NodeId id : both_.from_b)
      if (id >= 0 && both_.graph.node(id).role != Role::Input)
        first_of_second = std::min(first_of_second, id);
    neighbours_.emplace(leaf_, first_of_second);
    forecast_.emplace(leaf_);
  }

  BoxEquivalence run() {
    int64_t points = 0;
    for (const NodeId id : ancestors(both_.graph, both_.differences)) {
      const Node& node = both_.graph.node(id);
      if (node.role == Role::Apply && !has_lookup(node)) points += PointWalk(both_.graph, id).count();
    }
    if (points > options_.point_limit)
      return {.reason =
                  fmt::format("too large: {} loop points, the limit is {}", points, options_.point_limit)};
    int64_t inputs = 0;
    for (const auto& [id, ranges] : box_) inputs += static_cast<int64_t>(ranges.size());
    small_ = points <= kExactPoints && points * inputs <= kExactProducts;
    NormalFormOptions options{.point_limit = options_.point_limit, .work_limit = options_.form_limit};
    options.bounder = [this](const Variables& variables, const Combination& form) {
      return bounded(variables, form);
    };
    options.near = [this](const Variables& variables, const Combination& form) {
      return neighbours_->find(variables, form);
    };
    const NormalForm normal = normal_form(both_.graph, options);
    if (!normal.reason.empty()) return {.reason = normal.reason};
    return difference(normal);
  }

 private:
  std::pair<std::optional<Rational>, std::optional<Rational>> range_of(const UnitName& leaf) const {
    const auto found = box_.find(leaf.node);
    if (found == box_.end()) return {};
    const Interval& x = found->second[static_cast<size_t>(leaf.element)];
    std::pair<std::optional<Rational>, std::optional<Rational>> range;
    if (std::isfinite(x.low)) range.first = Rational::of(x.low);
    if (std::isfinite(x.high)) range.second = Rational::of(x.high);
    return range;
  }

  /// With ends of few digits; where both signs are left a little wider than what the checker finds, so that
  /// lines above one interval lie above the other.
  static FormRange widened(FormRange range) {
    const Rational slack = has_sign(range) ? Rational(0) : Rational::dyadic(1, -56);
    if (range.low) range.low = on_grid(*range.low) - slack;
    if (range.high) range.high = slack - on_grid(-*range.high);
    return range;
  }

  /// By intervals; by lines too where those decide nothing and do not cost too much.
  FormRange bounded(const Variables& variables, const Combination& form) {
    if (small_ && work_ <= BoxOptions().work_limit) {
      FormRange best = form_range(variables, form, leaf_);
      work_ += best.work;
      return widened(std::move(best));
    }
    FormRange plain = widened(interval_range(variables, form, leaf_));
    int64_t terms = 0;
    for (const Variable& variable : variables.all())
      if (variable.kind == VariableKind::Relu)
        terms += static_cast<int64_t>(variable.arguments[0].terms.size());
    if (terms == 0 || has_sign(plain)) return plain;
    if (terms > kLongProof && !forecast_->decides(variables, form)) return plain;
    const double value = neighbours_->value(variables, form);
    const std::optional<bool> twin = twin_decided(value);
    if (twin ? !*twin : terms > budget_) return plain;
    if (!twin) budget_ -= terms;
    FormRange lines = widened(line_range(variables, form, leaf_));
    // Long proofs only where they decide.
    const bool decides = has_sign(lines);
    tried_.emplace(value, decides || terms <= kLongProof);
    if (!decides && terms > kLongProof) return plain;
    if (lines.low && (!plain.low || *plain.low < *lines.low)) {
      plain.low = lines.low;
      plain.lower_proof = std::move(lines.lower_proof);
    }
    if (lines.high && (!plain.high || *lines.high < *plain.high)) {
      plain.high = lines.high;
      plain.upper_proof = std::move(lines.upper_proof);
    }
    return plain;
  }

  /// Whether lines were of use for nearly the same form before: in the other network, which is to be treated
  /// alike whatever is left to spend.
  std::optional<bool> twin_decided(double value) const {
    constexpr double share = 1e-5;
    const double reach = share * std::max(1.0, std::fabs(value));
    std::optional<std::pair<double, bool>> nearest;
    for (auto place = tried_.lower_bound(value - reach);
         place != tried_.end() && place->first <= value + reach; ++place)
      if (!nearest || std::fabs(place->first - value) < std::fabs(nearest->first - value)) nearest = *place;
    return nearest ? std::optional(nearest->second) : std::nullopt;
  }

  BoxEquivalence difference(const NormalForm& normal) const {
    BoxEquivalence result;
    Json claimed = Json::object();
    for (size_t o = 0; o < both_.differences.size(); ++o) {
      Rational most = 0;
      for (const Combination& form : normal.forms.at(both_.differences[o])) {
        const FormRange range = interval_range(normal.variables, form, leaf_);
        if (!range.low || !range.high)
          return {.reason = fmt::format("the difference of '{}' has no bound", a_.outputs()[o].name)};
        most = std::max({most, range.low->abs(), range.high->abs()});
      }
      const std::string& name = a_.outputs()[o].name;
      result.difference[name] = rounded_up(most);
      claimed[name] = to_string(result.difference[name]);
    }
    const ProofSteps steps = proof_steps(both_.graph, normal, both_.differences, false);
    Json json = {{"cert", "graph-cert/1"}, {"kind", "box-equivalence"}, {"graph", digest(a_)},
                 {"other", digest(b_)},    {"semantics", "real"},       {"box", box_json()}};
    json["claim"] = {{"difference", std::move(claimed)}};
    json["frontier"] = Json::array();
    for (const NodeId id : steps.leaves)
      if (both_.graph.node(id).role != Role::Input) json["frontier"].push_back(node_key(both_.graph, id));
    json["steps"] = Json::parse(steps.steps);
    result.certificate = Certificate{"box-equivalence", json.dump()};
    return result;
  }

  /// Inputs with an infinite end are left out: they can be anything.
  Json box_json() const {
    Json json = Json::object();
    for (const auto& [id, ranges] : box_) {
      if (!std::ranges::all_of(ranges, [](const Interval& x) { return x.is_finite(); })) continue;
      Json& rows = json[node_key(both_.graph, id)] = Json::array();
      for (const Interval& x : ranges)
        rows.push_back({to_string(Rational::of(x.low)), to_string(Rational::of(x.high))});
    }
    return json;
  }

  const Graph &a_, &b_;
  const BoxEquivalenceOptions options_;
  const Joined both_;
  std::map<NodeId, std::vector<Interval>> box_;
  LeafRange leaf_;
  int64_t budget_ = 0;
  std::optional<Neighbours> neighbours_;
  std::optional<Forecast> forecast_;
  std::map<double, bool> tried_;  // whether lines were of use, by value of the form
  bool small_ = false;            // enough to look for the best lines
  int64_t work_ = 0;              // that this took, as BoxOptions::work_limit
};

}  // namespace

BoxEquivalence box_equivalence(const Graph& a, const Graph& b, const InputBox& box,
                               const BoxEquivalenceOptions& options) {
  return Prover(a, b, box, options).run();
}

}  // namespace crease
