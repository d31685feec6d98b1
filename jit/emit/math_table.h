// Odd functions by pieces: where one instruction looks up all sixteen lanes of a vector, a polynomial for
// each quarter of each binade needs neither a division nor a choice of two formulas.
#pragma once

#include "jit/emit/arithmetic.h"

namespace crease {

/// Whether tables can be looked up in registers: f32 with the permutations of AVX-512, at any vector width.
bool has_table_lookup(const Arithmetic& with);

/// tanh x and erf x for f32, the same bits at every width. Condition: has_table_lookup.
FloatValue tanh_by_table(FloatValue x);
FloatValue erf_by_table(FloatValue x);

}  // namespace crease
