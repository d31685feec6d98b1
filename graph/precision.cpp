#include "graph/precision.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>

#include "graph/error.h"
#include "graph/rewrite/rewrite.h"
#include "graph/scalar/forms.h"
#include "graph/scan.h"

namespace crease {
namespace {

constexpr std::array names{std::pair{Precision::F32, std::string_view("f32")},
                           std::pair{Precision::Bf16, std::string_view("bf16")},
                           std::pair{Precision::F32Split3, std::string_view("f32_split3")},
                           std::pair{Precision::F32Split, std::string_view("f32_split")}};

Attributes::value_type attribute_of(Precision precision) {
  if (const int parts = split_parts(precision); parts > 0)
    return {std::string(operand_parts), static_cast<double>(parts)};
  return {std::string(operand_bits), precision == Precision::Bf16 ? 8.0 : 24.0};
}

bool reads_single_labels(const Access& access) {
  return std::ranges::all_of(access, [](const AffineIndex& index) {
    return index.plain_label() >= 0 || (index.terms.empty() && index.offset == 0 && index.lookup < 0);
  });
}

/// Loops over time with a body in another precision; results of one loop share it.
using ScanCopies = std::map<const Scan*, std::shared_ptr<const Scan>>;

std::shared_ptr<const Scan> scan_in(const std::shared_ptr<const Scan>& scan, Precision precision,
                                    ScanCopies& done) {
  std::shared_ptr<const Scan>& made = done[scan.get()];
  if (made != nullptr) return made;
  Scan copy = *scan;
  copy.body = in_precision(scan->body, precision);
  return made = std::make_shared<const Scan>(std::move(copy));
}

}  // namespace

std::string_view to_string(Precision precision) {
  for (const auto& [value, name] : names)
    if (value == precision) return name;
  throw Bug("[precision] unknown precision");
}

Precision parse_precision(std::string_view text) {
  for (const auto& [value, name] : names)
    if (name == text) return value;
  fail("[precision] unknown precision of contractions: got '{}', want f32, bf16, f32_split3 or f32_split",
       text);
}

bool tells_precision(const Attributes::value_type& attribute) {
  return attribute.first == operand_bits || attribute.first == operand_parts;
}

int split_parts(Precision precision) {
  switch (precision) {
    case Precision::F32:
    case Precision::Bf16: return 0;
    case Precision::F32Split3: return 2;
    case Precision::F32Split: return 3;
  }
  throw Bug("[precision] unknown precision");
}

Op with_precision(Op op, Precision precision) {
  std::erase_if(op.attributes, tells_precision);
  op.attributes.push_back(attribute_of(precision));
  return op;
}

std::optional<Precision> precision_of(const Op& op) {
  const auto found = std::ranges::find_if(op.attributes, tells_precision);
  if (found == op.attributes.end()) return {};
  for (const auto& [precision, name] : names)
    if (attribute_of(precision) == *found) return precision;
  return Precision::F32;
}

float round_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t sign = bits & 0x80000000U, magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return std::bit_cast<float>((bits & 0xffff0000U) | 0x00400000U);
  if (magnitude < 0x00800000U) return std::bit_cast<float>(sign);
  return std::bit_cast<float>((bits + 0x7fffU + (bits >> 16 & 1)) & 0xffff0000U);
}

bool is_matrix_product(const Node& node, std::span<const Type> operands) {
  if (node.role != Role::Apply || node.type != Type::f32 || operands.size() != 2) return false;
  return family(*node.op, node.loops) == Family::Contraction &&
         multiplied_operands(node.op->body.expression) && operands[0] == Type::f32 &&
         operands[1] == Type::f32 && reads_single_labels(node.loops.write) &&
         std::ranges::all_of(node.loops.reads, reads_single_labels);
}

bool is_matrix_product(const Graph& graph, const Node& node) {
  return node.role == Role::Apply && is_matrix_product(node, operand_types(graph, node));
}

Graph in_precision(const Graph& graph, Precision precision) {
  ScanCopies loops;
  return rebuild(graph,
                 [&](Graph& to, const Node& node, const std::vector<Value>& operands) {
                   Node changed = node;
                   if (node.role == Role::Scan) changed.scan = scan_in(node.scan, precision, loops);
                   if (is_matrix_product(graph, node) && !precision_of(*node.op))
                     changed.op = std::make_shared<const Op>(with_precision(*node.op, precision));
                   return to.copy(changed, operands);
                 })
      .graph;
}

}  // namespace crease
