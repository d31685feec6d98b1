// What the findings of one section mean for those of another, which was made without them.
#pragma once

#include <vector>

#include "graph/analysis/finding.h"

namespace crease {

/// Where parameters are not finite ("finite-parameters") whatever else is said at these parameters is taken
/// back. Where the normal form proves an output affine the section before it does not leave that open.
/// Certificates go with the findings that are changed.
void settle(std::vector<Finding>& findings);

}  // namespace crease
