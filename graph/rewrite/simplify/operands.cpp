// Rules about what a body reads.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "graph/precision.h"
#include "graph/rewrite/rewrite.h"
#include "graph/rewrite/simplify/rules.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

constexpr double greatest_exact_integer = 9007199254740992;  // 2^53

/// The number that all elements of a constant are, to the bit.
std::optional<double> uniform_constant(const Node& node) {
  if (node.role != Role::Constant || node.value.count() == 0) return {};
  const auto size = static_cast<size_t>(size_of(node.type));
  const std::byte* data = node.value.data();
  for (int64_t i = 1; i < node.value.count(); ++i)
    if (std::memcmp(data, data + static_cast<size_t>(i) * size, size) != 0) return {};
  const double number = node.value.at(0);
  if (std::isnan(number) || (!is_floating(node.type) && std::abs(number) > greatest_exact_integer)) return {};
  return number;
}

bool looks_up(const Access& access, size_t k) {
  return std::any_of(access.begin(), access.end(),
                     [&](const AffineIndex& index) { return index.lookup == static_cast<int>(k); });
}

bool is_looked_up(const Loops& loops, size_t k) {
  return looks_up(loops.write, k) ||
         std::any_of(loops.reads.begin(), loops.reads.end(), [&](const Access& a) { return looks_up(a, k); });
}

/// Whether the node can do without operand k once its body does not read it: no point is skipped for it,
/// nothing looks it up, and the arithmetic stays the same.
bool is_removable(const Value& value, size_t k) {
  const Node& node = value.node();
  const Graph graph = value.graph();
  if (is_looked_up(node.loops, k) ||
      !always_inside(node.loops.reads[k], node.loops, operand(value, k).shape()))
    return false;
  std::vector<Type> types = operand_types(graph, node);
  const Type before = compute_type(types, node.type);
  types.erase(types.begin() + static_cast<std::ptrdiff_t>(k));
  return compute_type(types, node.type) == before;
}

/// The arguments 0..count-1 without k, in whose place `stand_in` is read.
std::vector<Scalar> arguments_without(size_t count, size_t k, const Scalar& stand_in) {
  std::vector<Scalar> arguments;
  for (size_t i = 0; i < count; ++i)
    arguments.push_back(i == k ? stand_in : Scalar::argument(static_cast<int>(i < k ? i : i - 1)));
  return arguments;
}

/// The node without operand k, computing `body` of the others.
Value without_operand(const Value& value, size_t k, const Scalar& body) {
  Loops loops = value.node().loops;
  loops.reads.erase(loops.reads.begin() + static_cast<std::ptrdiff_t>(k));
  const auto renumber = [&](Access& access) {
    for (AffineIndex& index : access)
      if (index.lookup > static_cast<int>(k)) --index.lookup;
  };
  std::for_each(loops.reads.begin(), loops.reads.end(), renumber);
  renumber(loops.write);
  std::vector<Value> operands;
  for (size_t i = 0; i < value.node().operands.size(); ++i)
    if (i != k) operands.push_back(operand(value, i));
  const int arity = static_cast<int>(operands.size());
  return remake(value, Body(arity, body), value.node().op->combine, std::move(loops), operands);
}

bool has_kinks(const Scalar& body) { return !kink_conditions(body).empty(); }

/// Whether `same` holds of the slopes that every possible Tie selects. Tie::trap selects none, and the kinks
/// themselves stay the same.
template <class Same>
bool under_ties(std::span<const Tie> ties, const Same& same) {
  return std::all_of(ties.begin(), ties.end(), [&](const Tie& tie) { return tie == Tie::trap || same(tie); });
}

/// Bit i is set if operand i is the same in every call: kinks between it and x are x's own.
uint64_t constant_operands(const Value& value) {
  const std::vector<NodeId>& operands = value.node().operands;
  uint64_t bits = 0;
  for (size_t i = 0; i < std::min<size_t>(operands.size(), 64); ++i)
    if (is_constant(value.graph(), operands[i])) bits |= uint64_t{1} << i;
  return bits;
}

uint64_t without_bit(uint64_t bits, size_t k) {
  const uint64_t below = bits & ((uint64_t{1} << k) - 1);
  return below | ((bits >> 1) & ~((uint64_t{1} << k) - 1));
}

/// Whether the slopes with respect to the remaining arguments are the same expressions after a constant came
/// in for argument k.
bool keeps_slopes(const Value& value, const Scalar& after, std::span<const Scalar> arguments, size_t k,
                  Derivatives derivatives) {
  const Scalar& before = value.node().op->body.expression;
  if (!has_kinks(before)) return true;
  const uint64_t constants = constant_operands(value);
  return under_ties(possible_ties(value, derivatives), [&](const Tie& tie) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (i == k) continue;
      const Scalar old = slope(before, static_cast<int>(i), tie, constants);
      const Scalar fresh = slope(after, arguments[i].position(), tie, without_bit(constants, k));
      if (!substitute(old, arguments).same(fresh)) return false;
    }
    return true;
  });
}

/// Whether some operation would be left with constants only if argument k were one: it would be computed in
/// double precision, not in the type of the node.
bool would_compute(const Scalar& body, int k) {
  const auto constant = [k](const Scalar& t) {
    return t.kind() == ScalarKind::Constant || (t.kind() == ScalarKind::Argument && t.position() == k);
  };
  return any_step(body, [&](const Scalar& e) {
    const auto terms = e.terms();
    return !terms.empty() && depends_on(e, k) && std::all_of(terms.begin(), terms.end(), constant);
  });
}

}  // namespace

Simpler put_constant_into_body(const Value& value, Derivatives derivatives) {
  const Node& node = value.node();
  const Scalar& body = node.op->body.expression;
  for (size_t k = 0; k < node.operands.size(); ++k) {
    const auto constant = uniform_constant(operand(value, k).node());
    if (!constant || precision_of(*node.op) == Precision::Bf16 || !is_removable(value, k) ||
        would_compute(body, static_cast<int>(k)))
      continue;
    const auto arguments = arguments_without(node.operands.size(), k, *constant);
    const Scalar after = substitute(body, arguments);
    if (keeps_slopes(value, after, arguments, k, derivatives)) return without_operand(value, k, after);
  }
  return {};
}

Simpler drop_unread_operand(const Value& value, Derivatives) {
  const Node& node = value.node();
  const Scalar& body = node.op->body.expression;
  for (size_t k = 0; k < node.operands.size(); ++k)
    if (!depends_on(body, static_cast<int>(k)) && is_removable(value, k))
      return without_operand(value, k, substitute(body, arguments_without(node.operands.size(), k, 0)));
  return {};
}

Simpler read_repeated_operand_once(const Value& value, Derivatives) {
  const Node& node = value.node();
  if (node.op->combine != Combine::Assign) return {};
  for (size_t k = 1; k < node.operands.size(); ++k) {
    for (size_t j = 0; j < k; ++j) {
      if (node.operands[j] != node.operands[k] || node.loops.reads[j] != node.loops.reads[k]) continue;
      if (is_looked_up(node.loops, k)) continue;
      const Scalar first = Scalar::argument(static_cast<int>(j));
      const auto arguments = arguments_without(node.operands.size(), k, first);
      return without_operand(value, k, substitute(node.op->body.expression, arguments));
    }
  }
  return {};
}

Simpler drop_zero_products(const Value& value, Derivatives) {
  const Node& node = value.node();
  const Scalar& body = node.op->body.expression;
  const Scalar after = rewrite(body, [](const Scalar& part, std::span<const Scalar> terms) {
    const bool zero =
        part.kind() == ScalarKind::Multiply && (terms[0].is_constant(0) || terms[1].is_constant(0));
    if (zero) return Scalar(0);
    return terms.empty() ? part : make_scalar(part.kind(), {terms.begin(), terms.end()});
  });
  if (after.same(body)) return {};
  std::vector<Value> operands;
  for (size_t k = 0; k < node.operands.size(); ++k) operands.push_back(operand(value, k));
  return remake(value, Body(node.op->body.arity, after), node.op->combine, node.loops, operands);
}

}  // namespace crease
