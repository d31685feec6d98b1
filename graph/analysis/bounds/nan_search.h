// Whether one operation can give NaN in a format, from intervals of what it reads.
// Lattice and claim as in range.h: numbers are real values, those beyond the largest of the format infinite.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "graph/analysis/bounds/interval.h"
#include "graph/op.h"
#include "graph/scalar/forms.h"

namespace crease {

/// Finds what in a body can give NaN on intervals.
class NanSearch {
 public:
  NanSearch(const Scalar& body, double largest);

  /// "0 / 0"; empty: nothing.
  std::string run(std::span<const Interval> arguments, std::span<const Interval> labels);
  /// All that the body can be, after a run that found nothing.
  const Interval& value() const { return values_.back(); }

 private:
  bool overflows(const Interval& x) const { return x.high > largest_ || x.low < -largest_; }
  std::string reason(const Scalar& e, const Interval* terms) const;

  const double largest_;
  std::vector<BodyStep> steps_;
  std::vector<Interval> values_;
};

/// What terms of a sum or product do to each other, in whatever order they are put together.
class MeetingTerms {
 public:
  MeetingTerms(Combine combine, double largest) : combine_(combine), largest_(largest) {}

  /// One more term, or so many within one interval.
  void add(const Interval& term, double times = 1);
  /// "infinities of both signs can meet in a sum"; empty: no NaN.
  std::string reason() const;

 private:
  Combine combine_;
  double largest_;
  double terms_ = 0;
  double above_ = 0, below_ = 0;  // greatest sum of some of the terms, and least
  double size_ = 1;               // greatest product of some of them
  bool zero_ = false;             // one of them can be 0
};

}  // namespace crease
