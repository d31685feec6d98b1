#include "autodiff/loop_builder.h"

#include <algorithm>

#include "graph/error.h"
#include "graph/precision.h"
#include "graph/scalar/forms.h"
#include "graph/stored.h"

namespace crease {
namespace {

/// Whether the body compares what several arguments decide together: only there it matters which of them
/// vary.
bool compares_several(const Scalar& body) {
  return any_step(body, [](const Scalar& e) {
    switch (e.kind()) {
      case ScalarKind::Max:
      case ScalarKind::Min:
      case ScalarKind::Less:
      case ScalarKind::LessEqual:
      case ScalarKind::Equal: {
        int arguments = 0;
        for (int p = 0; p < arity(e); ++p) arguments += depends_on(e, p) ? 1 : 0;
        return arguments > 1;
      }
      default: return false;
    }
  });
}

bool is_scalar_constant(const Node& node) { return node.role == Role::Constant && node.value.count() == 1; }

/// Whether the terms of one index that are not yet known can be read off its value, as digits of a mixed
/// radix.
bool separates(const AffineIndex& index, std::span<const Label> labels, const std::vector<bool>& known) {
  std::vector<Term> terms;
  for (const Term& term : index.terms)
    if (!known[static_cast<size_t>(term.label)]) terms.push_back(term);
  std::sort(terms.begin(), terms.end(),
            [](const Term& a, const Term& b) { return std::abs(a.coefficient) < std::abs(b.coefficient); });
  int64_t reach = 0;  // greatest value of the smaller digits
  for (size_t i = 0; i < terms.size(); ++i) {
    if (std::abs(terms[i].coefficient) <= reach) return false;
    const Dim& extent = labels[static_cast<size_t>(terms[i].label)].extent;
    if (extent.is_symbol()) return i + 1 == terms.size();
    reach += std::abs(terms[i].coefficient) * std::max<int64_t>(extent.size() - 1, 0);
  }
  return true;
}

/// What was decided at the point itself is decided for derivatives of derivatives.
Attributes decided(const Scalar& body) {
  return kink_conditions(body).empty() ? Attributes() : Attributes{{"decided", 1}};
}

}  // namespace

bool is_decided(const Op& op) {
  return std::any_of(op.attributes.begin(), op.attributes.end(),
                     [](const auto& attribute) { return attribute.first == "decided"; });
}

bool is_injective(const Access& access, std::span<const Label> labels) {
  std::vector<bool> known(labels.size(), false);
  for (size_t pass = 0; pass < access.size(); ++pass)
    for (const AffineIndex& index : access)
      if (index.lookup < 0 && separates(index, labels, known))
        for (const Term& term : index.terms) known[static_cast<size_t>(term.label)] = true;
  for (size_t label = 0; label < labels.size(); ++label)
    if (!known[label] && labels[label].extent != Dim(1)) return false;
  return true;
}

LoopBuilder::LoopBuilder(const Graph& graph, NodeId id)
    : graph_(graph.handle()), node_(graph_.node(id)), labels_(node_.loops.labels) {
  std::vector<Scalar> arguments;
  for (size_t k = 0; k < node_.operands.size(); ++k) {
    size_t first = 0;
    while (node_.operands[first] != node_.operands[k] || node_.loops.reads[first] != node_.loops.reads[k])
      ++first;
    representative_.push_back(static_cast<int>(first));
    arguments.push_back(Scalar::argument(static_cast<int>(first)));
  }
  body_ = substitute(node_.op->body.expression, arguments);
}

uint64_t LoopBuilder::constants() const {
  uint64_t bits = 0;
  if (!compares_several(body_)) return bits;
  for (size_t k = 0; k < std::min<size_t>(node_.operands.size(), 64); ++k)
    if (is_constant(graph_, node_.operands[k])) bits |= uint64_t{1} << k;
  return bits;
}

int LoopBuilder::argument(const Value& value, const Access& access) {
  for (size_t i = 0; i < values_.size(); ++i)
    if (values_[i].id() == value.id() && accesses_[i] == access) return static_cast<int>(i);
  values_.push_back(value);
  accesses_.push_back(access);
  return static_cast<int>(values_.size()) - 1;
}

Access LoopBuilder::adapt(const Access& access) {
  Access adapted = access;
  for (AffineIndex& index : adapted) {
    if (index.lookup < 0) continue;
    const auto k = static_cast<size_t>(index.lookup);
    index.lookup = argument(graph_.value(node_.operands[k]), node_.loops.reads[k]);
  }
  return adapted;
}

Scalar LoopBuilder::operand(int k) {
  const auto at = static_cast<size_t>(k);
  return read(graph_.value(node_.operands[at]), node_.loops.reads[at]);
}

Scalar LoopBuilder::read(const Value& value, const Access& access) {
  if (is_scalar_constant(value.node()) && is_plain(access)) return value.node().value.item();
  const Access adapted = adapt(access);
  return Scalar::argument(argument(value, adapted));
}

Scalar LoopBuilder::over_operands(const Scalar& expression) {
  std::vector<Scalar> arguments(node_.operands.size());
  for (int k = 0; k < static_cast<int>(arguments.size()); ++k)
    if (depends_on(expression, k)) arguments[static_cast<size_t>(k)] = operand(k);
  return substitute(expression, arguments);
}

void LoopBuilder::keep_bounds() {
  for (size_t k = 0; k < node_.operands.size(); ++k)
    if (!is_plain(node_.loops.reads[k])) operand(static_cast<int>(k));
}

int LoopBuilder::add_label(const std::string& name, const Dim& extent) {
  labels_.push_back({name, extent});
  return static_cast<int>(labels_.size()) - 1;
}

Access LoopBuilder::relabel(const Access& access, std::span<const int> from, std::span<const int> to) {
  Access changed = access;
  for (AffineIndex& index : changed) {
    for (Term& term : index.terms) {
      const auto it = std::find(from.begin(), from.end(), term.label);
      if (it != from.end()) term.label = to[static_cast<size_t>(it - from.begin())];
    }
    std::sort(index.terms.begin(), index.terms.end(),
              [](const Term& a, const Term& b) { return a.label < b.label; });
  }
  return changed;
}

Type LoopBuilder::arithmetic() const {
  const Type type = compute_type(operand_types(graph_, node_), node_.type);
  return type == Type::f32 ? type : Type::f64;
}

Scalar LoopBuilder::stored_body() const {
  const bool cuts = is_floating(compute_type(operand_types(graph_, node_), node_.type)) &&
                    node_.op->combine == Combine::Assign && !stores_exactly(graph_, node_);
  if (!cuts) return body_;
  if (node_.type == Type::boolean) return select(equal(body_, 0), 0, 1);
  return select(body_ < 0, -floor(-body_), floor(body_));
}

Value LoopBuilder::build_at_points(const std::string& name, const Scalar& body, Type type,
                                   const std::source_location& where) {
  Access own;
  Shape shape;
  for (int label = 0; label < static_cast<int>(node_.loops.labels.size()); ++label) {
    own.push_back({.terms = {{label, 1}}});
    shape.push_back(node_.loops.labels[static_cast<size_t>(label)].extent);
  }
  keep_bounds();
  return build(name, body, own, std::move(shape), Combine::Assign, type, where);
}

Value LoopBuilder::build(const std::string& name, const Scalar& body, const Access& write, Shape shape,
                         Combine combine, Type type, const std::source_location& where,
                         const Attributes& more) {
  Resolved resolved{.shape = std::move(shape)};
  resolved.loops.write = adapt(write);
  resolved.loops.labels = labels_;
  resolved.loops.reads = accesses_;
  Attributes attributes = decided(body);
  attributes.insert(attributes.end(), more.begin(), more.end());
  std::ranges::copy_if(node_.op->attributes, std::back_inserter(attributes), tells_precision);
  auto op = std::make_shared<Op>(Op{.name = name,
                                    .doc = "Derived from " + node_.op->name + ".",
                                    .body = Body(static_cast<int>(values_.size()), body),
                                    .combine = combine,
                                    .attributes = std::move(attributes)});
  return graph_.apply_resolved(op, std::move(resolved), values_, type, where,
                               is_decided(*op) ? node_.tie : std::optional<Tie>());
}

}  // namespace crease
