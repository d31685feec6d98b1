// One operation at a kink: the slope that a rule selects against differences of the body on the side it
// chose.
#pragma once

#include "autodiff/ties.h"
#include "graph/evaluate.h"

namespace crease {

/// A body at one loop point.
struct BodyPoint {
  Scalar body;
  std::vector<double> arguments;
  std::vector<double> labels;
  Sizes sizes;
  uint64_t constants = 0;  // arguments that do not vary
};

/// The slope of argument k that differences of the body show under a rule, with steps h, h/2 and h/4; nothing
/// if the kinks at this point ask for different sides of it, so that no step serves all.
std::optional<double> difference_slope(const BodyPoint& point, int k, const KinkRule& rule, double h);

/// Whether the point sits on a kink or jump of the body.
bool is_on_kink(const BodyPoint& point);

double evaluate(const Scalar& expression, const BodyPoint& point);

}  // namespace crease
