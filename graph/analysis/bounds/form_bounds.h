// Linear bounds in exact arithmetic, for small networks: combinations of the normal form over a box, by lines
// below and above relus, and the lines that prove them. Nothing is rounded but lines that grew long, and
// those outward. Source: as linear_bounds.h; the certificate is replayed by check().
#pragma once

#include <functional>

#include "graph/analysis/normal_form/forms.h"

namespace crease {

/// Interval of a leaf of the normal form; absent ends: none.
using LeafRange = std::function<std::pair<std::optional<Rational>, std::optional<Rational>>(const UnitName&)>;

/// The best of four for each end: lower lines by the middle of the interval (slope 1 if u > -l, else 0), all
/// of slope 0, all of slope 1, and intervals without lines.
FormRange form_range(const Variables& variables, const Combination& form, const LeafRange& leaf);

/// By intervals of variables alone: cheap, and a checker needs no proof.
FormRange interval_range(const Variables& variables, const Combination& form, const LeafRange& leaf);

/// By one choice of lines, the middle: as many steps as the arguments of all relus before have terms.
FormRange line_range(const Variables& variables, const Combination& form, const LeafRange& leaf);

}  // namespace crease
