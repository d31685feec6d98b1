// Matrix products among kernels. Private to scheduling.
#pragma once

#include "jit/schedule.h"

namespace crease {

/// Makes a kernel whose neighbouring loops are merged a matrix product, if it is one: a loop to sum over, or
/// several, of which the innermost has some turns and one operand lies in place, or is small, if it may be
/// `packed`; a column loop that one operand has and that the result runs along with stride 1; a row loop that
/// only the other operand has. Loops that both have stay outside. False: nothing changed.
bool schedule_contraction(const Kernel& kernel, const std::vector<Buffer>& buffers, const Machine& machine,
                          bool packed, KernelSchedule& plan);

}  // namespace crease
