// In which precision the products of a contraction are taken: part of what a graph computes, an attribute of
// the operation. Sums, everything that is not a product of a contraction, and all that is stored stay as they
// are: parameters in f32 with bf16 products is mixed-precision training.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "graph/graph.h"

namespace crease {

/// Attributes of a contraction that tell its precision, one of them or none: how many significant bits of its
/// f32 operands count (Bf16 8, F32 24), or of how many bfloat16 numbers each operand may be taken as the sum
/// (F32Split3 2, F32Split 3). Both are conventions(): operations that differ in them are different, and
/// passes keep them.
inline constexpr std::string_view operand_bits = "operand_bits";
inline constexpr std::string_view operand_parts = "operand_parts";
/// Whether an attribute is one of the two.
bool tells_precision(const Attributes::value_type& attribute);

/// F32: operands as they are. Bf16: both operands of each product are rounded to bfloat16 (8 significant
/// bits, the exponents of f32), products are exact, sums are f32. F32Split3, F32Split: permissions to take
/// every operand as the sum of two or three bfloat16 numbers, and for its product the greatest three or six
/// products of those. A processor without matrix tiles, or where they do not pay, computes such a contraction
/// in f32, and so does the interpreter. Bounds of the errors: docs/numerics.md.
enum class Precision : uint8_t { F32, Bf16, F32Split3, F32Split };
/// "f32", "bf16", "f32_split3", "f32_split".
std::string_view to_string(Precision precision);
/// The inverse. Errors: Error that lists the names.
Precision parse_precision(std::string_view text);

/// The record with its f32 operands taken in this precision; derivatives of it are, too.
/// `with_precision(matmul, Precision::Bf16)(x, w)` is one product in bf16, with Precision::F32 one that stays
/// as it is whatever the program's precision.
Op with_precision(Op op, Precision precision);
/// What the record says, none if it leaves that to the program.
std::optional<Precision> precision_of(const Op& op);
/// Of how many bfloat16 numbers operands may be the sum: 2, 3, or 0 if the precision is no split.
int split_parts(Precision precision);

/// The nearest bfloat16 number, ties to even; subnormal numbers become 0 of their sign, what rounds to 2^128
/// or more infinity, NaN a quiet NaN. This is what VCVTNEPS2BF16 gives. Source: Intel, Architecture
/// Instruction Set Extensions, chapter on AVX512_BF16.
float round_bf16(float x);

/// Whether the node is a product of two f32 matrices (batched or not, either transposed, a vector for a
/// matrix of one row): a sum of products of two operands that are read at single labels. Convolutions are
/// not.
bool is_matrix_product(const Graph& graph, const Node& node);
/// The same, of a node whose operands have these types.
bool is_matrix_product(const Node& node, std::span<const Type> operands);

/// The graph with every matrix product whose record says nothing in this precision, those in loops over time
/// as well.
Graph in_precision(const Graph& graph, Precision precision);

}  // namespace crease
