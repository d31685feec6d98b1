// Data-dependent access. An index outside the table contributes nothing: the result is 0 there.
#pragma once

#include "graph/op.h"
#include "graph/value.h"

namespace crease {

/// Rows of a table: table [v, ...], index [...] (integers) -> [index dims..., table dims after the first].
Value gather(const Operand& table, const Operand& index);
/// One element of each row: x [b, c], index [b] -> [b].
Value pick(const Operand& x, const Operand& index);
/// index [b] -> [b, classes], 1 at the index, else 0, of type `type`.
Value one_hot(const Operand& index, int64_t classes, Type type = Type::f32);

}  // namespace crease
