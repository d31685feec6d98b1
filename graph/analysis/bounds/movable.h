// Which dead units stay dead: whether training on inputs in the box can move the argument of a unit.
#pragma once

#include "graph/analysis/bounds/units.h"

namespace crease {

/// Sets Unit::permanent. Backwards: an element matters if some path to an output passes no unit whose slope
/// is 0 on the box. Forwards: an element can move if a parameter element that matters reaches it. A dead unit
/// whose argument cannot move is dead for ever under steps that follow the gradient alone (decay and momentum
/// from before move parameters without one). Cost: two walks over all loop points.
void mark_permanent(const BoxAnalysis& box, std::vector<UnitNode>& nodes);

}  // namespace crease
