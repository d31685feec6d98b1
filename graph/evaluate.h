// The reference interpreter: slow, plain, and the oracle of every test. No LLVM.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "graph/evaluate/float_mode.h"
#include "graph/graph.h"
#include "graph/named_tensors.h"

namespace crease {

/// Tensors by name of input.
using Bindings = NamedTensors;

/// Sizes of named dimensions.
using Sizes = std::map<std::string, int64_t>;

/// Checks bindings against the graph's inputs and finds the size of each named dimension.
/// Errors: Error for a missing or unknown input (lists the names), a wrong type, rank or size (both shapes),
/// two sizes for one name.
Sizes bind(const Graph& graph, const Bindings& inputs);

/// The inputs that `wanted` nodes need: those they are computed from, and those that give a named dimension
/// of what they are computed from, or the length of a loop over time, its size.
std::vector<NodeId> needed_inputs(const Graph& graph, std::span<const NodeId> wanted);
/// The nodes that `wanted` nodes need and these inputs, ascending: what can be evaluated by itself. A
/// constant for each sample reads no input, but has as many rows as one.
std::vector<NodeId> ancestors_with_sizes(const Graph& graph, std::span<const NodeId> wanted);
/// Binds where only some inputs are `needed`: others may be left out.
Sizes bind_needed(const Graph& graph, const Bindings& inputs, std::span<const NodeId> needed);

/// The shape with symbols replaced. Errors: Error for a symbol without size.
std::vector<int64_t> sizes_of(const Shape& shape, const Sizes& sizes);

/// Values of `wanted` nodes. Floating point is computed in the node's own type; sums and products
/// accumulate in f64 and are rounded once, in row-major order of the loops. Input tensors convert from f64 to
/// f32 and between integer types if exact. Inputs that they do not need may be left out. `subnormals` is
/// pinned, whatever the caller's own mode is. Errors: those of bind; Error of a trap that springs
/// (Tie::trap), which names node, source line and element.
std::vector<Tensor> evaluate(const Graph& graph, const Bindings& inputs, ValueSpan wanted,
                             Subnormals subnormals = Subnormals::Keep);
Tensor evaluate(const Value& wanted, const Bindings& inputs = {});
/// All outputs by name, and all updated parameters by name.
NamedTensors evaluate(const Graph& graph, const Bindings& inputs, Subnormals subnormals = Subnormals::Keep);

/// Uniform number in [0, 1) with 24 bits: Philox 4x32-10, key = seed, counter = (index / 4, counter), lane
/// index % 4. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
float philox_uniform(uint64_t seed, int64_t counter, int64_t index);

}  // namespace crease
