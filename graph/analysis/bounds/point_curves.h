// The functions of one variable that a node applies at its points: its body with everything but one operand
// put in. Equal ones are shared.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "graph/analysis/bounds/curve.h"
#include "graph/graph.h"

namespace crease {

/// Curves by body.
class CurvePool {
 public:
  /// Never moves: the pointer stays valid.
  ScalarCurve* of(const Scalar& body);

 private:
  std::deque<ScalarCurve> curves_;
  std::map<const ScalarNode*, ScalarCurve*> by_body_;
};

/// The curve of each point of a node in the operand `varying`.
class PointCurves {
 public:
  PointCurves(const Node& node, size_t varying, CurvePool& pool);

  /// The curve where the other operands and the labels have these values. Only distinct values cost anything.
  ScalarCurve* at(std::span<const double> constants, std::span<const int64_t> labels);

 private:
  const Node& node_;
  size_t varying_;
  CurvePool& pool_;
  std::vector<int> used_constants_, used_labels_;  // those that the body mentions
  std::map<std::vector<double>, ScalarCurve*> known_;
  ScalarCurve* only_ = nullptr;  // where the body mentions none
};

}  // namespace crease
