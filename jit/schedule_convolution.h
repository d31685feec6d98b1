// Convolutions among kernels. Private to scheduling.
#pragma once

#include "jit/schedule.h"

namespace crease {

/// Makes a kernel a convolution, if it is one: one sum of products of two reads, of which conditions hold
/// back one, the data; an outer loop that only the other, the weight, has (channels of the result); an outer
/// loop of known size that only the data has and that every store runs along (positions of a row); inner
/// loops whose conditions the loops outside of a row decide, then at most one that decides with the position,
/// then one in no condition. Without conditions, as there is no padding or windows are of one element, either
/// read may be the data, and several inner loops may be in none. False: nothing changed.
bool schedule_convolution(const Kernel& kernel, const std::vector<Buffer>& buffers, const Machine& machine,
                          KernelSchedule& plan);

/// Whether the product of a position of the row and a turn of the side loop is made: it is no padding.
bool makes_product(const Kernel& kernel, const ConvolutionSchedule& plan, int64_t position, int64_t side);

/// Rough time of such a kernel on one core.
double convolution_cycles(const Kernel& kernel, const KernelSchedule& plan, const Machine& machine);

}  // namespace crease
