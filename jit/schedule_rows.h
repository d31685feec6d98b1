// Rows that are shorter than a vector: images of a few pixels, windows of two. A vector is then several rows,
// which reads put together. Private to scheduling.
#pragma once

#include <optional>

#include "jit/address.h"
#include "jit/schedule.h"

namespace crease {

/// The last two outer loops as one, over lanes: the inner one takes up the other (rows_loop). Stores run on
/// from row to row; reads do, or are rows of neighbours or of every second element, or one element for each
/// row. None where they are not, and where rows fill a vector or no whole number of them does. `numbers`:
/// loops whose value is used as a number, as a bit set.
std::optional<KernelSchedule> join_rows(const Kernel& kernel, const std::vector<Buffer>& buffers,
                                        uint64_t numbers, KernelSchedule plan, int lanes);

/// Vectors that one of a read is put together from: 1 where it runs on.
int pieces_of(const Address& address, const Kernel& kernel, const KernelSchedule& plan);

}  // namespace crease
