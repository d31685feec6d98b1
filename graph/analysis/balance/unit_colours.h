// Tells hidden units apart by what they read and write, whatever order they are in: a number for each unit
// that every network of the same orbit under permutations gives to the same unit.
// Method: colour refinement. A unit's colour is a digest of the parameters that move with it, each with its
// place and the colours of the other units that it joins; again, until no more units are told apart. Units
// that stay equal though their parameters differ are told apart by singling one out: of the choices that with
// the least colours. Source: Weisfeiler, Leman 1968; McKay 1981 (singling out).
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "graph/analysis/permutations/permutations.h"
#include "graph/graph.h"

namespace crease {

/// Positions along one axis that belong to each unit of a block, in corresponding order.
using UnitPlaces = std::vector<std::vector<int64_t>>;
/// Of all axes of parameters along which the block's units move.
std::map<TensorAxis, UnitPlaces> unit_places(const Graph& graph, const PermutationBlock& block);

/// Colours by block and unit. Equal ones: the units have equal parameters, entry by entry, or so many are
/// alike that the budget of 2^28 entries ended the search.
/// Cost: entries of parameters that move * rounds, some 20 ns each; rounds is about the depth between equal
/// units and what differs.
std::vector<std::vector<uint64_t>> unit_colours(const Graph& graph,
                                                const std::vector<PermutationBlock>& blocks);

/// Parameters in the order in which the network reads them.
std::vector<NodeId> in_reading_order(const Graph& graph);

}  // namespace crease
