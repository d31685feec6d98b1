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

double bits_of(Precision precision) { return precision == Precision::Bf16 ? 8 : 24; }

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

void expect_available(Precision precision) {
  expect(precision == Precision::F32 || precision == Precision::Bf16,
         "[precision] no code for contractions in {}: it needs matrix tiles of the processor (AMX), since "
         "without them its products in bf16 take longer than one in f32; got {}, want f32 or bf16",
         to_string(precision), to_string(precision));
}

Op with_precision(Op op, Precision precision) {
  expect_available(precision);
  std::erase_if(op.attributes, [](const auto& attribute) { return attribute.first == operand_bits; });
  op.attributes.emplace_back(operand_bits, bits_of(precision));
  return op;
}

std::optional<Precision> precision_of(const Op& op) {
  for (const auto& [name, value] : op.attributes)
    if (name == operand_bits) return value == bits_of(Precision::Bf16) ? Precision::Bf16 : Precision::F32;
  return {};
}

float round_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t sign = bits & 0x80000000U, magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return std::bit_cast<float>((bits & 0xffff0000U) | 0x00400000U);
  if (magnitude < 0x00800000U) return std::bit_cast<float>(sign);
  return std::bit_cast<float>((bits + 0x7fffU + (bits >> 16 & 1)) & 0xffff0000U);
}

bool is_matrix_product(const Graph& graph, const Node& node) {
  if (node.role != Role::Apply || node.type != Type::f32 || node.operands.size() != 2) return false;
  const std::vector<Type> types = operand_types(graph, node);
  return family(*node.op, node.loops) == Family::Contraction &&
         multiplied_operands(node.op->body.expression) && types[0] == Type::f32 && types[1] == Type::f32 &&
         reads_single_labels(node.loops.write) && std::ranges::all_of(node.loops.reads, reads_single_labels);
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
