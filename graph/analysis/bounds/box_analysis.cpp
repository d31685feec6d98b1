#include "graph/analysis/bounds/box_analysis.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "graph/analysis/bounds/form_bounds.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/points.h"
#include "graph/error.h"

namespace crease {

namespace {

size_t at(int64_t k) { return static_cast<size_t>(k); }

std::vector<NodeId> result_nodes(const Graph& graph) {
  std::vector<NodeId> nodes;
  for (const Output& output : graph.outputs()) nodes.push_back(output.node);
  return nodes;
}

/// Loop points times input elements up to which forms are bounded exactly, about a second: each form can have
/// a term for each input element.
constexpr int64_t kExactProducts = int64_t{1} << 20;

int64_t input_count(const Graph& graph) {
  int64_t count = 0;
  for (const NodeId id : graph.inputs()) count += sample_count(graph.node(id).shape);
  return std::max<int64_t>(count, 1);
}

std::optional<Rational> end(double value) {
  if (!std::isfinite(value)) return {};
  return Rational::of(value);
}

/// The limit of work was reached while the normal form was made.
struct Spent {};

/// A number that equal forms have in common, and others hardly.
double key_of(const Combination& form) {
  double key = form.constant.to_double();
  for (const auto& [variable, coefficient] : form.terms) key += (variable + 1) * coefficient.to_double();
  return std::isfinite(key) ? key : 0;
}

}  // namespace

BoxAnalysis::BoxAnalysis(const Graph& graph, const InputBox& box, const BoxOptions& options)
    : graph_(graph),
      box_(box),
      nodes_(ancestors(graph, result_nodes(graph))),
      work_limit_(options.work_limit) {
  expect(!graph.outputs().empty(), "[bounds] the graph has no outputs");
  const std::vector<NodeId> wanted = result_nodes(graph);
  lines_ = linear_bounds(stages_of(graph, node_bounds(graph, box, wanted), wanted), wanted, options.linear);
  make_exact(options);
}

void BoxAnalysis::make_exact(const BoxOptions& options) {
  int64_t points = 0;
  for (const NodeId id : nodes_)
    if (graph_.node(id).role == Role::Apply && !has_lookup(graph_.node(id)))
      points += PointWalk(graph_, id).count();
  if (points > options.exact_limit || points * input_count(graph_) > kExactProducts) {
    no_exact_ = fmt::format("{} loop points times {} inputs are too many for exact arithmetic", points,
                            input_count(graph_));
    return;
  }
  NormalFormOptions normal_options;
  normal_options.bounder = [this](const Variables& variables, const Combination& form) {
    if (is_spent()) throw Spent();
    return exact_range(variables, form);
  };
  NormalForm normal;
  try {
    if (!is_spent()) normal = normal_form(graph_, normal_options);
    no_exact_ = normal.reason;
  } catch (const LongNumber& problem) {
    no_exact_ = problem.what();
  } catch (const Spent&) {
  }
  if (is_spent())
    no_exact_ = fmt::format(
        "exact arithmetic takes more than {} operations on rational numbers; in a program "
        "BoxOptions::work_limit allows more",
        work_limit_);
  if (no_exact_.empty()) exact_ = std::move(normal);
}

/// Nothing where the work is spent or a number becomes too long.
FormRange BoxAnalysis::exact_range(const Variables& variables, const Combination& form) const {
  if (is_spent()) return {};
  FormRange range;
  try {
    range = form_range(variables, form, [this](const UnitName& name) { return leaf_range(name); });
  } catch (const LongNumber&) {
    return {};
  }
  work_ += range.work;
  known_.emplace(key_of(form), KnownRange{form, {range.low, range.high}});
  return range;
}

BoxAnalysis::Ends BoxAnalysis::exact_ends(const Combination& form) const {
  const auto [first, last] = known_.equal_range(key_of(form));
  for (auto place = first; place != last; ++place)
    if (place->second.form == form) return place->second.ends;
  const FormRange range = exact_range(exact_->variables, form);
  return {range.low, range.high};
}

/// Only the box itself, which is what a certificate may use.
BoxAnalysis::Ends BoxAnalysis::leaf_range(const UnitName& leaf) const {
  if (graph_.node(leaf.node).role != Role::Input) return {};
  const Interval x = by_intervals(leaf.node, leaf.element);
  return {end(x.low), end(x.high)};
}

bool BoxAnalysis::is_constant(NodeId node) const { return lines_.network.intervals[at(node)].constant; }

const std::string& BoxAnalysis::reason(NodeId node) const {
  return lines_.network.intervals[at(node)].reason;
}

Interval BoxAnalysis::by_intervals(NodeId node, int64_t element) const {
  return lines_.network.intervals[at(node)].at(element);
}

Interval BoxAnalysis::by_lines(NodeId node, int64_t element) const {
  const int stage = lines_.network.stage_of[at(node)];
  const Interval plain = by_intervals(node, element);
  return stage < 0 ? plain : intersect(plain, lines_.network.stages[at(stage)].bounds[at(element)]);
}

ExactInterval BoxAnalysis::best(NodeId node, int64_t element) const {
  const std::pair key{node, element};
  if (const auto known = best_.find(key); known != best_.end()) return known->second;
  return best_.emplace(key, found(node, element)).first->second;
}

ExactInterval BoxAnalysis::found(NodeId node, int64_t element) const {
  const Interval outer = by_lines(node, element);
  ExactInterval result{outer, end(outer.low), end(outer.high)};
  if (!exact_ || !exact_->forms.contains(node)) return result;
  const auto [low, high] = exact_ends(exact_->forms.at(node)[at(element)]);
  if (low && (!result.low || *result.low < *low)) result.low = low;
  if (high && (!result.high || *high < *result.high)) result.high = high;
  if (result.low) result.outer.low = std::max(outer.low, enclose(*result.low).low);
  if (result.high) result.outer.high = std::min(outer.high, enclose(*result.high).high);
  return result;
}

std::string BoxAnalysis::box_json() const {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const NodeId id : nodes_) {
    if (graph_.node(id).role != Role::Input) continue;
    nlohmann::ordered_json& rows = json[node_key(graph_, id)] = nlohmann::ordered_json::array();
    for (int64_t i = 0; i < sample_count(graph_.node(id).shape); ++i) {
      const Interval x = by_intervals(id, i);
      if (!x.is_finite()) return "";
      rows.push_back({to_string(Rational::of(x.low)), to_string(Rational::of(x.high))});
    }
  }
  return json.dump();
}

}  // namespace crease
