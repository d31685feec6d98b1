// Odd functions by pieces: where one instruction looks up all sixteen lanes of a vector, a polynomial for
// each half of each binade needs neither a division nor a choice of two formulas.
#pragma once

#include "jit/emit/number.h"

namespace crease {

/// Whether tables can be looked up in registers: f32 with the permutations of AVX-512, at any vector width.
bool has_table_lookup(const Arithmetic& with);

/// tanh x and erf x for f32, the same bits at every width. Condition: has_table_lookup.
Number tanh_by_table(Number x);
Number erf_by_table(Number x);

}  // namespace crease
