#include "autodiff/root_of_squares.h"

#include <algorithm>
#include <map>

#include "graph/ops/hold.h"
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
  if (node.role != Role::Apply || node.op->combine != Combine::Assign || !writes_each_label(node.loops) ||
      is_held(node))
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

/// Finds a sum of squares of linear forms, through maps and over reads of a builder. What is shared is looked
/// at once.
class Squares {
 public:
  explicit Squares(LoopBuilder& builder) : builder_(builder) {}

  /// The form as such a sum, if it is one.
  std::optional<Scalar> in(const Form& form) { return Of{*this, form}(form.expression); }

 private:
  static constexpr int most_steps = 4000;  // the depth of a recursion

  /// The search in one form.
  struct Of {
    Squares& squares;
    const Form& form;
    std::map<const ScalarNode*, std::optional<Scalar>> known = {};

    std::optional<Scalar> operator()(const Scalar& expression) {
      const auto found = known.find(expression.id());
      if (found != known.end()) return found->second;
      if (++squares.steps_ > most_steps) return {};
      return known[expression.id()] = search(expression);
    }

    std::optional<Scalar> search(const Scalar& expression) {
      const auto t = expression.terms();
      switch (expression.kind()) {
        case Kind::Argument: return squares.of_read(form.reads[static_cast<size_t>(expression.position())]);
        case Kind::Add: {
          const auto a = (*this)(t[0]);
          if (!a) return {};
          const auto b = (*this)(t[1]);
          return b ? std::optional(*a + *b) : std::nullopt;
        }
        case Kind::Divide: return scaled(t[0], t[1], true);
        case Kind::Multiply:
          return t[0].same(t[1]) && is_linear(t[0]) ? square(t[0]) : scaled(t[0], t[1], false);
        default: return {};
      }
    }

    std::optional<Scalar> scaled(const Scalar& inner, const Scalar& factor, bool divide) {
      if (!is_positive(factor)) return {};
      const auto found = (*this)(inner);
      if (!found) return {};
      return divide ? *found / factor : *found * factor;
    }

    Scalar square(const Scalar& linear) const {
      std::vector<Scalar> arguments;
      for (size_t k = 0; k < form.reads.size(); ++k)
        arguments.push_back(depends_on(linear, static_cast<int>(k))
                                ? squares.builder_.read(form.reads[k].value, form.reads[k].access)
                                : Scalar(0));
      const Scalar over_reads = substitute(linear, arguments);
      return over_reads * over_reads;
    }
  };

  std::optional<Scalar> of_read(const Read& read) {
    auto& known = of_reads_[read.value.id()];
    for (const auto& [access, found] : known)
      if (access == read.access) return found;
    const auto inner = expand(read);
    const auto found = inner ? in(*inner) : std::nullopt;
    known.emplace_back(read.access, found);
    return found;
  }

  LoopBuilder& builder_;
  int steps_ = 0;
  std::map<NodeId, std::vector<std::pair<Access, std::optional<Scalar>>>> of_reads_;
};

/// The node that holds the squares: the sum itself with its operands' maps inside, or the root's own loops.
std::optional<Value> squares_over(const Graph& graph, NodeId loops, const Form& form, Combine combine,
                                  const std::source_location& where) {
  LoopBuilder builder(graph, loops);
  if (mentions_labels(form.expression)) return {};
  const auto body = Squares(builder).in(form);
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
