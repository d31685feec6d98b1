// Two kernels become one. Private to fusion.
#pragma once

#include <optional>

#include "jit/kernel.h"

namespace crease {

/// `consumer` inside the loops of `producer`, where it uses each element that the producer stores in the turn
/// that makes it. Its own loops become the producer's; a consumer that goes over the elements of the
/// producer's inner loops once more becomes another phase. None if the loops do not fit, if one of them
/// scatters, or if a contraction would stop being one.
std::optional<Kernel> merge_consumer(const Kernel& producer, const Kernel& consumer,
                                     const std::vector<Buffer>& buffers);

/// Two kernels of which neither needs the other, in the loops of the first, each element of `buffer` read
/// once for both. None if the loops do not fit.
std::optional<Kernel> merge_sibling(const Kernel& first, const Kernel& second, int buffer);

/// The reads of `buffer` in `consumer` replaced by what `producer`, a map, computes there. `producer` stores
/// `buffer` and nothing else.
Kernel inline_producer(const Kernel& producer, const Kernel& consumer, int buffer);

/// A map (no reduction, no scatter) with one store.
bool is_simple_map(const Kernel& kernel);
/// A simple map that only reads or repeats: inlining it is free.
bool is_movement(const Kernel& kernel);
/// Rough number of turns of loops, a bit set as in dependences().
double points(const Kernel& kernel, uint64_t loops);
/// Cycles that one value of a kernel's stores costs, roughly; reads count one.
double cost_per_point(const Kernel& kernel);
/// The same where what does not change with every loop is computed outside of those.
double hoisted_cost(const Kernel& kernel);

}  // namespace crease
