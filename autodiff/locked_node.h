// What locking gives for one node.
#pragma once

#include <optional>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// One active node under locks.
struct LockedNode {
  Value base;                                  // the node over its operands' locked values
  Value value;                                 // base, or its value on the locked side of a jump
  std::vector<std::optional<Value>> tangents;  // by direction; none: does not move
  std::optional<Value> winner;                 // Max, Min: position of the point that is locked in
};

}  // namespace crease
