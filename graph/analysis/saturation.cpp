#include "graph/analysis/saturation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <unordered_map>

#include "graph/analysis/activation_facts.h"
#include "graph/error.h"
#include "graph/piecewise.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

double value_at(const Scalar& e, double x) {
  const std::array<double, 1> argument{x};
  return evaluate(e, {.arguments = argument});
}

/// The expression with every max, min, select and comparison replaced by what it is at x and, by sampling,
/// everywhere further out. Empty if that is not clear.
class FarBranch {
 public:
  explicit FarBranch(double sign) : sign_(sign) {}

  std::optional<Scalar> of(const Scalar& e) {
    const Scalar result = rewrite(
        e, [&](const Scalar& node, std::span<const Scalar> terms) { return replacement(node, terms); });
    if (!clear_) return std::nullopt;
    return result;
  }

 private:
  double sign_;
  bool clear_ = true;

  Scalar replacement(const Scalar& node, std::span<const Scalar> terms) {
    const std::vector<Scalar> kept(terms.begin(), terms.end());
    switch (node.kind()) {
      case ScalarKind::Max: return first_wins(kept[0] >= kept[1]) ? kept[0] : kept[1];
      case ScalarKind::Min: return first_wins(kept[0] <= kept[1]) ? kept[0] : kept[1];
      case ScalarKind::Select: return first_wins(kept[0]) ? kept[1] : kept[2];
      default: return make_scalar_like(node, kept);
    }
  }

  static Scalar make_scalar_like(const Scalar& node, const std::vector<Scalar>& terms) {
    if (terms.empty()) return node;
    return make_scalar(node.kind(), terms);
  }

  /// Whether the condition holds at all far samples; unclear if it changes among them.
  bool first_wins(const Scalar& condition) {
    int yes = 0, no = 0;
    for (int power = 20; power <= 60; power += 4)
      ++(value_at(condition, sign_ * std::ldexp(1.0, power)) != 0 ? yes : no);
    clear_ = clear_ && (yes == 0 || no == 0);
    return yes > 0;
  }
};

/// Reads the limit of h' from samples that run outwards.
Saturates numeric_limit(const Scalar& h, double sign) {
  const Scalar derivative = slope(h, 0, sign < 0 ? Side::Left : Side::Right);
  double least = INFINITY, greatest = 0, last = 0;
  for (int power = 3; power <= 60; ++power) {
    const double value = std::abs(value_at(derivative, sign * std::ldexp(1.0, power)));
    if (std::isnan(value)) return Saturates::Unknown;
    if (power > 40) greatest = std::max(greatest, value);
    least = std::min(least, value);
    last = value;
  }
  if (greatest < 1e-9 && last <= greatest) return Saturates::Soft;
  if (greatest > 1e-3) return Saturates::None;
  return Saturates::Unknown;
}

Saturates smooth_side(const Scalar& body, double sign) {
  const std::optional<Scalar> far = FarBranch(sign).of(body);
  if (far && slope(*far, 0, Side::Left).is_constant(0)) return Saturates::Hard;
  return numeric_limit(body, sign);
}

/// Named dimensions are positive numbers not known here; 1 stands for each. A division by one (a mean over
/// the batch) scales the slope and saturates nothing.
Scalar with_unit_sizes(const Scalar& body) {
  return rewrite(body, [](const Scalar& node, std::span<const Scalar> terms) {
    if (node.kind() == ScalarKind::Size) return Scalar(1);
    return terms.empty() ? node : make_scalar(node.kind(), {terms.begin(), terms.end()});
  });
}

bool is_activation(const Node& node) {
  if (node.role != Role::Apply || node.operands.size() != 1 || !is_floating(node.type)) return false;
  if (node.op->combine != Combine::Assign || !is_elementwise(node.loops)) return false;
  const Scalar body = with_unit_sizes(node.op->body.expression);
  if (arity(body) != 1 || mentions_labels(body)) return false;
  const auto table = piecewise_linear(body);
  return !table || !is_affine(*table);
}

}  // namespace

std::string_view to_string(Saturates kind) {
  switch (kind) {
    case Saturates::None: return "none";
    case Saturates::Soft: return "soft";
    case Saturates::Hard: return "hard";
    case Saturates::Unknown: return "unknown";
  }
  return "";
}

Saturation saturation(const Scalar& body) {
  if (arity(body) > 1) fail("[saturation] wants a body of one argument, got {}", to_string(body));
  if (const auto table = piecewise_linear(body)) {
    const auto side = [](const Rational& s) { return s.is_zero() ? Saturates::Hard : Saturates::None; };
    return {side(table->slopes.front()), side(table->slopes.back()), false};
  }
  return {smooth_side(body, -1), smooth_side(body, 1), true};
}

bool is_saturating(const Saturation& facts) {
  const auto saturates = [](Saturates side) { return side == Saturates::Soft || side == Saturates::Hard; };
  return saturates(facts.left) && saturates(facts.right);
}

std::string_view kind_of(const Saturation& facts) {
  if (facts.left == Saturates::Unknown || facts.right == Saturates::Unknown) return "unknown";
  if (is_saturating(facts)) return facts.left == facts.right ? to_string(facts.left) : "mixed";
  if (facts.left == Saturates::None && facts.right == Saturates::None) return "none";
  return "one-sided";
}

std::vector<ActivationUse> activations(const Graph& graph) {
  std::vector<NodeId> results;
  for (const Output& output : graph.outputs()) results.push_back(output.node);
  std::vector<ActivationUse> uses;
  std::set<NodeId> varying;  // others are made of parameters alone, such as the root of a stored variance
  for (const NodeId id : ancestors(graph, results)) {
    const Node& node = graph.node(id);
    const bool varies = node.role == Role::Input || node.role == Role::Random ||
                        std::ranges::any_of(node.operands, [&](NodeId k) { return varying.contains(k); });
    if (varies) varying.insert(id);
    if (!varies || !is_activation(node)) continue;
    const Scalar body = with_unit_sizes(node.op->body.expression);
    auto use = std::ranges::find_if(uses, [&](const ActivationUse& known) { return known.body.same(body); });
    if (use == uses.end()) use = uses.insert(uses.end(), {body, node.op->name, {}, saturation(body)});
    use->nodes.push_back(id);
  }
  return uses;
}

std::vector<Finding> saturation_findings(const Graph& graph) {
  std::vector<Finding> findings;
  for (const ActivationUse& use : activations(graph)) {
    Finding finding{.id = "saturation", .subject = use.name, .sentences = {}, .certificate = {}};
    const bool unknown = kind_of(use.facts) == "unknown";
    finding.verdict = unknown || use.facts.numeric ? Verdict::Unknown : Verdict::Proved;
    finding.level = use.facts.numeric ? Level::Observed : Level::Structure;
    finding.sentences.push_back(fmt::format(
        "{}: left {}, right {} ({}){}", use.name, to_string(use.facts.left), to_string(use.facts.right),
        kind_of(use.facts), use.facts.numeric ? ", slopes sampled out to 2^60" : ""));
    const ActivationFacts shape = activation_facts(use.body);
    finding.evidence = fmt::format(
        R"({{"left":"{}","right":"{}","kind":"{}","numeric":{},"nodes":{},)"
        R"("convex":{},"concave":{},"monotone":"{}","parity":"{}","smoothness":"{}","low":"{}","high":"{}","lipschitz":"{}"}})",
        to_string(use.facts.left), to_string(use.facts.right), kind_of(use.facts), use.facts.numeric,
        use.nodes.size(), shape.convex, shape.concave, to_string(shape.monotone), to_string(shape.parity),
        to_string(shape.smoothness), shape.low, shape.high, shape.lipschitz);
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace crease
