// Whether two classes of points are linearly separable: by a hyperplane, or by multipliers that show that
// none exists.
//
// Definition: separable if w and b exist with label * (w . x + b) > 0 for every point. Not separable exactly
// if multipliers m >= 0, not all 0, have sum m label x = 0 and sum m label = 0: then the convex hulls of the
// two classes meet. Level: observed, for these points; exact, for either answer is checked in rationals.
// Method: the perceptron in double arithmetic guesses a hyperplane; where its guess fails the exact check, a
// linear program over rationals decides. Source: Farkas 1902; Rosenblatt 1958.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/analysis/exact_lp.h"
#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

/// A point with a label of -1 or 1.
struct LabelledPoint {
  std::vector<Rational> x;
  int label = 1;
};

struct Hyperplane {
  std::vector<Rational> w;
  Rational b;
};

/// Exactly one of the two; neither if the linear program would be too large.
struct Separability {
  std::optional<Hyperplane> plane;
  std::optional<std::vector<Rational>> multipliers;  // one a point; they sum to 1
};

struct SeparabilityOptions {
  int perceptron_epochs = 200;
  int64_t lp_entries = 40'000;  // points * (features + 1) above which no linear program is tried
};

/// Errors: Error for labels other than -1 and 1, points of different length, or no points.
Separability separability(const std::vector<LabelledPoint>& points, const SeparabilityOptions& options = {});

/// Exact checks, sharing nothing with the search.
bool separates(const Hyperplane& plane, const std::vector<LabelledPoint>& points);
bool refutes(const std::vector<Rational>& multipliers, const std::vector<LabelledPoint>& points);

/// The values of a tensor for samples of an input of a graph, with their labels. Values are those of the
/// interpreter, taken as they are. Errors: those of evaluate; Error if there is not one label a sample.
std::vector<LabelledPoint> labelled_points(const Value& tensor, const std::string& input,
                                           const Tensor& samples, const std::vector<int>& labels);

/// A finding, id "separability", about a tensor.
Finding separability_finding(const std::string& subject, const std::vector<LabelledPoint>& points);

}  // namespace crease
