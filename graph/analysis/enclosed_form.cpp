#include "graph/analysis/enclosed_form.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "graph/analysis/bounds/node_bounds.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/near_form.h"
#include "graph/analysis/points.h"
#include "graph/error.h"

namespace crease {
namespace {

size_t at(NodeId id) { return static_cast<size_t>(id); }

/// a + b, a - b, a * b or a / b.
bool is_one_step(const Scalar& body) {
  const ScalarKind kind = body.kind();
  return (kind == ScalarKind::Add || kind == ScalarKind::Subtract || kind == ScalarKind::Multiply ||
          kind == ScalarKind::Divide) &&
         std::ranges::all_of(body.terms(), [](const Scalar& e) { return e.kind() == ScalarKind::Argument; });
}

/// The constants without rational value that nodes read, and how often.
class Collector {
 public:
  Collector(const Graph& graph, const Linearity& facts) : graph_(graph), facts_(facts) {}

  /// Empty, or why not.
  std::string read_by(NodeId id) {
    const Node& node = graph_.node(id);
    bool reads = false;
    for (const NodeId operand : node.operands) {
      if (facts_.parts[at(operand)] != Part::Constant || is_exact(operand)) continue;
      if (const std::string why = take(operand); !why.empty()) return describe(graph_, operand) + " " + why;
      reads = true;
    }
    if (reads && !is_one_step(node.op->body.expression))
      return describe(graph_, id) +
             " takes an irrational constant otherwise than as factor, divisor or summand";
    uses_ += reads ? 1 : 0;
    return "";
  }

  const NearConstants& near() const { return near_; }

  /// How far a product of coefficients can be off, as a share of it; nothing if without limit.
  std::optional<Rational> share() const {
    // k' = k (1 + d) with |d| <= r puts 1 / k' off by r / (1 - r) at most.
    const Rational one = 1, r = near_.share;
    if (r >= one) return {};
    const Rational all = Rational(uses_) * r / (one - r);
    if (all >= one) return {};
    return all / (one - all);
  }

 private:
  bool is_exact(NodeId id) {
    if (graph_.node(id).role != Role::Apply || exact_.contains(id)) return true;
    if (near_.values.contains(id)) return false;
    const bool exact = evaluate_exactly(graph_, {}, std::span(&id, 1)).has_value();
    if (exact) exact_.insert(id);
    return exact;
  }

  /// Takes the middles of intervals around a constant.
  std::string take(NodeId id) {
    if (near_.values.contains(id)) return "";
    const NodeBounds bounds = std::move(node_bounds(graph_, {}, {id})[at(id)]);
    ExactValues& values = near_.values[id];
    for (size_t i = 0; i < bounds.size(); ++i) {
      const Interval x = bounds.at(static_cast<int64_t>(i));
      if (!x.is_finite()) return "has no finite interval";
      const bool is_zero = x.low == 0 && x.high == 0;
      if (x.contains(0) && !is_zero) return "may be 0";
      values.push_back(Rational::of(std::midpoint(x.low, x.high)));
      const Rational width = Rational::of(x.high) - Rational::of(x.low);
      const Rational least = Rational::of(std::min(std::abs(x.low), std::abs(x.high)));
      if (!is_zero) near_.share = std::max(near_.share, width / least);
    }
    return "";
  }

  const Graph& graph_;
  const Linearity& facts_;
  NearConstants near_;
  std::set<NodeId> exact_;
  int64_t uses_ = 0;
};

Rational greatest(const AffineForm& form) {
  Rational most;
  for (const Rational& x : form.offset) most = std::max(most, x);
  for (const ExactMatrix& w : form.weights)
    for (int64_t i = 0; i < w.rows(); ++i)
      for (int64_t o = 0; o < w.columns(); ++o) most = std::max(most, w.at(i, o));
  return most;
}

}  // namespace

EnclosedFormOrReason enclosed_form(const Graph& graph, const Linearity& facts, NodeId sink,
                                   const std::vector<NodeId>& cut) {
  for (const NodeId id : facts.frontiers[at(sink)])
    if (sample_count(graph.node(id).shape) * sample_count(graph.node(sink).shape) > kInlineMatrixLimit)
      return {{}, fmt::format("it has irrational constants, and more than {} weights", kInlineMatrixLimit)};
  Collector constants(graph, facts);
  for (const NodeId id : affine_nodes(graph, facts, sink, cut))
    if (std::string why = constants.read_by(id); !why.empty()) return {{}, std::move(why)};
  const auto share = constants.share();
  if (!share) return {{}, "the intervals around its irrational constants are too wide"};
  const auto form = near_form(graph, facts, sink, cut, constants.near(), Coefficients::Signed);
  if (!form.form) return {{}, form.reason};
  const auto magnitudes = near_form(graph, facts, sink, cut, constants.near(), Coefficients::Magnitudes);
  if (!magnitudes.form) return {{}, magnitudes.reason};
  const double error = (*share * greatest(*magnitudes.form)).to_double();
  return {
      EnclosedForm{*form.form, Rational::of(std::nextafter(error, std::numeric_limits<double>::infinity()))},
      ""};
}

Certificate enclosure_certificate(const Graph& graph, const EnclosedForm& form) {
  auto json = nlohmann::ordered_json::parse(affine_certificate(graph, form.form).json);
  json["kind"] = "affine-enclosure";
  json["claim"]["error"] = to_string(form.error);
  return {"affine-enclosure", json.dump()};
}

}  // namespace crease
