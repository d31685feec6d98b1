// Which channels of a network add nothing on a box, or only a constant: they can be taken out, whatever lies
// between where they are made and where they are summed up (normalisation, pooling, residual sums,
// concatenations, a flattening).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/rewrite/units/axes.h"
#include "graph/rewrite/units/known.h"

namespace crease {

/// What can go. By family of AxisFamilies.
struct Removal {
  std::vector<std::vector<bool>> removed;         // by channel; empty: none
  std::map<NodeId, std::vector<Rational>> added;  // to each element of a node, in place of what it lacks
  std::vector<std::map<int, std::string>> why;    // by channel that stays: a sum that needs it
  bool any() const;
};

/// A channel can go if every sum over it keeps the same value without it, up to a constant. Each dimension
/// keeps at least one position. `exactly`: only constants that the node's element type can hold.
Removal removal_of(const BoxAnalysis& box, const AxisFamilies& families, const KnownElements& known,
                   bool exactly);

}  // namespace crease
