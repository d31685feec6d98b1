#include "autodiff/root_of_squares.h"

#include <algorithm>

#include "graph/scalar/forms.h"

namespace crease {
namespace {

using Kind = ScalarKind;

/// An argument of an expression: an element of a value.
struct Read {
  Value value;
  Access access;
};

/// An expression over reads.
struct Form {
  Scalar expression;
  std::vector<Read> reads;
};

bool is_positive(const Scalar& factor) {
  return !any_step(factor, [](const Scalar& e) {
    switch (e.kind()) {
      case Kind::Constant: return !(e.constant() > 0);
      case Kind::Size:
      case Kind::Multiply:
      case Kind::Divide: return false;
      default: return true;
    }
  });
}

/// Linear without constant.
bool is_linear(const Scalar& form) {
  return fold_steps<int>(form, [](const Scalar& e, std::span<const int> linear) -> int {
    const auto t = e.terms();
    switch (e.kind()) {
      case Kind::Argument: return true;
      case Kind::Negate: return linear[0];
      case Kind::Add:
      case Kind::Subtract: return linear[0] && linear[1];
      case Kind::Multiply:
        return (linear[0] && !depends_on_arguments(t[1])) || (linear[1] && !depends_on_arguments(t[0]));
      case Kind::Divide: return linear[0] && !depends_on_arguments(t[1]);
      default: return false;
    }
  });
}

/// The body and reads of a node as it is written by its own loops; constants of one element are numbers.
Form form_of(const Graph& graph, NodeId id) {
  const LoopBuilder loops(graph, id);
  Form form;
  std::vector<Scalar> arguments;
  for (size_t k = 0; k < loops.node().operands.size(); ++k) {
    const Value operand = graph.value(loops.node().operands[k]);
    const bool number = operand.node().role == Role::Constant && operand.node().value.count() == 1;
    arguments.push_back(number ? Scalar(operand.node().value.item()) : Scalar::argument(static_cast<int>(k)));
    form.reads.push_back({operand, loops.node().loops.reads[k]});
  }
  form.expression = substitute(loops.body(), arguments);
  return form;
}

bool writes_each_label(const Loops& loops) {
  bool identity = loops.write.size() == loops.labels.size();
  for (size_t d = 0; identity && d < loops.write.size(); ++d)
    identity = loops.write[d].plain_label() == static_cast<int>(d);
  return identity;
}

/// The access with label d replaced by at[d], where that is no more than picking indices.
std::optional<Access> compose(const Access& access, const Access& at) {
  Access result;
  for (const AffineIndex& index : access) {
    const bool fixed = index.lookup < 0 && index.terms.empty();
    if (!fixed && index.plain_label() < 0) return {};
    result.push_back(fixed ? index : at[static_cast<size_t>(index.plain_label())]);
  }
  return result;
}

/// What a read element is computed from, if it is written by a map.
std::optional<Form> expand(const Read& read) {
  const Node& node = read.value.node();
  if (node.role != Role::Apply || node.op->combine != Combine::Assign || !writes_each_label(node.loops))
    return {};
  Form form = form_of(read.value.graph(), read.value.id());
  if (mentions_labels(form.expression)) return {};
  for (Read& inner : form.reads) {
    auto access = compose(inner.access, read.access);
    if (!access) return {};
    inner.access = std::move(*access);
  }
  return form;
}

/// The expression as a sum of squares of linear forms over reads of the builder, if it is one.
std::optional<Scalar> squares_in(LoopBuilder& builder, const Scalar& expression,
                                 const std::vector<Read>& reads) {
  const auto t = expression.terms();
  const auto scaled = [&](const Scalar& form, const Scalar& factor, bool divide) -> std::optional<Scalar> {
    if (!is_positive(factor)) return {};
    const auto squares = squares_in(builder, form, reads);
    if (!squares) return {};
    return divide ? *squares / factor : *squares * factor;
  };
  switch (expression.kind()) {
    case Kind::Argument: {
      const auto inner = expand(reads[static_cast<size_t>(expression.position())]);
      if (!inner) return {};
      return squares_in(builder, inner->expression, inner->reads);
    }
    case Kind::Add: {
      const auto a = squares_in(builder, t[0], reads), b = squares_in(builder, t[1], reads);
      if (!a || !b) return {};
      return *a + *b;
    }
    case Kind::Divide: return scaled(t[0], t[1], true);
    case Kind::Multiply: {
      if (!t[0].same(t[1]) || !is_linear(t[0])) return scaled(t[0], t[1], false);
      std::vector<Scalar> arguments;
      for (size_t k = 0; k < reads.size(); ++k)
        arguments.push_back(depends_on(t[0], static_cast<int>(k))
                                ? builder.read(reads[k].value, reads[k].access)
                                : Scalar(0));
      const Scalar form = substitute(t[0], arguments);
      return form * form;
    }
    default: return {};
  }
}

/// The node that holds the squares: the sum itself with its operands' maps inside, or the root's own loops.
std::optional<Value> squares_over(const Graph& graph, NodeId loops, const Form& form, Combine combine,
                                  const std::source_location& where) {
  LoopBuilder builder(graph, loops);
  if (mentions_labels(form.expression)) return {};
  const auto body = squares_in(builder, form.expression, form.reads);
  if (!body || !depends_on_arguments(*body)) return {};
  builder.keep_bounds();
  const Node& node = builder.node();
  return builder.build("squares", *body, node.loops.write, node.shape, combine, node.type, where);
}

}  // namespace

std::optional<RootOfSquares> root_of_squares(const Graph& graph, NodeId id,
                                             const std::source_location& where) {
  const Node& root = graph.node(id);
  if (root.role != Role::Apply || root.op->combine != Combine::Assign || !writes_each_label(root.loops))
    return {};
  Form form = form_of(graph, id);
  if (form.expression.kind() != Kind::Sqrt) return {};
  form.expression = form.expression.terms()[0];
  Scalar factor = 1;
  for (;;) {
    const auto t = form.expression.terms();
    const bool scales = form.expression.kind() == Kind::Multiply || form.expression.kind() == Kind::Divide;
    if (scales && is_positive(t[1])) {
      factor = form.expression.kind() == Kind::Multiply ? factor * t[1] : factor / t[1];
      form.expression = Scalar(t[0]);
      continue;
    }
    if (form.expression.kind() != Kind::Argument) break;
    const Read read = form.reads[static_cast<size_t>(form.expression.position())];
    const Node& node = read.value.node();
    if (node.role == Role::Apply && node.op->combine == Combine::Sum && read.access == root.loops.write &&
        node.shape == root.shape) {
      const Form inner = form_of(graph, read.value.id());
      const auto squares = squares_over(graph, read.value.id(), inner, Combine::Sum, where);
      return squares ? std::optional(RootOfSquares{*squares, factor}) : std::nullopt;
    }
    auto inner = expand(read);
    if (!inner) return {};
    form = std::move(*inner);
  }
  const auto squares = squares_over(graph, id, form, Combine::Assign, where);
  return squares ? std::optional(RootOfSquares{*squares, factor}) : std::nullopt;
}

}  // namespace crease
