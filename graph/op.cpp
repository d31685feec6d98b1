#include "graph/op.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "graph/error.h"
#include "graph/graph.h"
#include "graph/precision.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

constexpr std::array<std::string_view, 7> combine_names{"assign", "sum",    "product", "max",
                                                        "min",    "argmax", "argmin"};

/// A product of at least two different arguments, each a plain factor.
bool is_product(const Scalar& body) {
  return body.kind() == ScalarKind::Multiply && !any_step(body, [](const Scalar& e) {
           return e.kind() != ScalarKind::Multiply && e.kind() != ScalarKind::Argument;
         });
}

bool has_lookup(const Access& access) {
  return std::any_of(access.begin(), access.end(), [](const AffineIndex& i) { return i.lookup >= 0; });
}

/// What is wrong with operand k as what says where `what` is read or written.
std::vector<std::string> lookup_problems(int k, const std::string& what, const Loops& loops,
                                         std::span<const Type> operands) {
  const auto at = static_cast<size_t>(k);
  if (at >= operands.size())
    return {fmt::format("{} is looked up by operand {} of {}", what, k, operands.size())};
  std::vector<std::string> found;
  if (is_floating(operands[at]) || operands[at] == Type::boolean)
    found.push_back(fmt::format("{} is looked up by operand {}, which is {}: want integers", what, k,
                                to_string(operands[at])));
  if (at < loops.reads.size() && has_lookup(loops.reads[at]))
    found.push_back(fmt::format("operand {} is looked up and looks up itself", k));
  return found;
}

Value apply_record(const Op& op, std::initializer_list<Value> operands, const std::source_location& where) {
  const Value& first = *operands.begin();
  expect(first.valid(), "[{}] operand belongs to no graph ({})", op.name, to_string(where));
  return first.graph().apply(std::make_shared<const Op>(op), operands, where);
}

}  // namespace

std::string_view to_string(Combine combine) { return combine_names[static_cast<size_t>(combine)]; }

Combine parse_combine(std::string_view name) {
  const auto it = std::find(combine_names.begin(), combine_names.end(), name);
  expect(it != combine_names.end(),
         "unknown combine '{}': want assign, sum, product, max, min, argmax or argmin", name);
  return static_cast<Combine>(it - combine_names.begin());
}

Value Op::operator()(const Value& x, std::source_location where) const {
  return apply_record(*this, {x}, where);
}
Value Op::operator()(const Value& x, const Value& y, std::source_location where) const {
  return apply_record(*this, {x, y}, where);
}
Value Op::operator()(const Value& x, const Value& y, const Value& z, std::source_location where) const {
  return apply_record(*this, {x, y, z}, where);
}

std::vector<std::string> problems(const Op& op, const Loops& loops, std::span<const Type> operands) {
  // Texts only where they are needed: this runs for every node.
  std::vector<std::string> found;
  const Scalar& body = op.body.expression;
  if (std::cmp_greater(arity(body), operands.size()))
    found.push_back(
        fmt::format("the body {} wants {} operands, got {}", to_string(body), arity(body), operands.size()));
  if (std::cmp_greater(label_count(body), loops.labels.size()))
    found.push_back(fmt::format("the body {} uses loop {} of {}", to_string(body), label_count(body) - 1,
                                loops.labels.size()));
  const auto see = [&](const Access& access, size_t k) {
    for (const AffineIndex& index : access) {
      if (index.lookup < 0) continue;
      const std::string what = k < loops.reads.size() ? fmt::format("operand {}", k) : "the result";
      std::ranges::move(lookup_problems(index.lookup, what, loops, operands), std::back_inserter(found));
    }
  };
  for (size_t k = 0; k < loops.reads.size(); ++k) see(loops.reads[k], k);
  see(loops.write, loops.reads.size());
  return found;
}

Attributes conventions(const Op& op) {
  Attributes found;
  for (const auto& attribute : op.attributes)
    if (attribute.first == "order" || attribute.first == "slope_at_0" || attribute.first == "decided" ||
        attribute.first == "held" || tells_precision(attribute))
      found.push_back(attribute);
  return found;
}

Type compute_type(std::span<const Type> operands, Type result) {
  const auto any = [&](Type type) {
    return std::find(operands.begin(), operands.end(), type) != operands.end();
  };
  if (any(Type::f64) || result == Type::f64) return Type::f64;
  if (any(Type::f32)) return Type::f32;
  return operands.empty() && is_floating(result) ? result : Type::i64;
}

Family family(const Op& op, const Loops& loops) {
  if (has_lookup(loops.write) || std::any_of(loops.reads.begin(), loops.reads.end(), has_lookup))
    return Family::Lookup;
  if (op.combine == Combine::Sum && is_product(op.body.expression) && !reduced_labels(loops).empty())
    return Family::Contraction;
  if (op.combine != Combine::Assign) return Family::Reduction;
  const bool moves = op.body.expression.kind() == ScalarKind::Argument && !is_elementwise(loops);
  return moves ? Family::Movement : Family::Map;
}

std::string_view to_string(Family family) {
  switch (family) {
    case Family::Map: return "map";
    case Family::Contraction: return "contraction";
    case Family::Reduction: return "reduction";
    case Family::Movement: return "movement";
    case Family::Lookup: return "lookup";
  }
  return "?";
}

}  // namespace crease
