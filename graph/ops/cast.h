// Values of another element type.
#pragma once

#include "graph/type.h"
#include "graph/value.h"

namespace crease {

/// x as another type. To a floating type: rounded to nearest, ties to even. To an integer: cut off towards 0;
/// beyond i64 its limit, NaN 0, and narrower types keep the lowest bits (docs/numerics.md). To bool: whether
/// it is not 0, so that NaN is true. x itself if it has the type. Derivatives pass between floating types;
/// integers and bools do not move, and their jumps are counted as those of floor and of comparisons are.
Value cast(const Operand& x, Type type);

}  // namespace crease
