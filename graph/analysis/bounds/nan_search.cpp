#include "graph/analysis/bounds/nan_search.h"

#include <algorithm>

namespace crease {

namespace {

Interval value_of(const Scalar& e, const Interval* terms, std::span<const Interval> arguments,
                  std::span<const Interval> labels) {
  switch (e.kind()) {
    case ScalarKind::Constant: return Interval::point(e.constant());
    case ScalarKind::Argument: return arguments[static_cast<size_t>(e.position())];
    case ScalarKind::Index: return labels[static_cast<size_t>(e.position())];
    case ScalarKind::Size: return {1, kInfinity};
    default: return apply(e.kind(), terms);
  }
}

}  // namespace

NanSearch::NanSearch(const Scalar& body, double largest) : largest_(largest), steps_(steps_of(body)) {
  values_.resize(steps_.size());
}

std::string NanSearch::run(std::span<const Interval> arguments, std::span<const Interval> labels) {
  for (size_t k = 0; k < steps_.size(); ++k) {
    Interval terms[3];
    for (size_t t = 0; t < steps_[k].terms.size(); ++t) terms[t] = values_[steps_[k].terms[t]];
    if (std::string why = reason(steps_[k].node, terms); !why.empty()) return why;
    values_[k] = value_of(steps_[k].node, terms, arguments, labels);
  }
  return "";
}

std::string NanSearch::reason(const Scalar& e, const Interval* t) const {
  switch (e.kind()) {
    case ScalarKind::Constant: return std::isnan(e.constant()) ? "a constant that is NaN" : "";
    case ScalarKind::Sqrt: return t[0].low < 0 ? "the root of a negative number" : "";
    case ScalarKind::Log: return t[0].low < 0 ? "the logarithm of a negative number" : "";
    case ScalarKind::Log1p: return t[0].low < -1 ? "the logarithm of a negative number" : "";
    case ScalarKind::Divide:
      if (t[0].contains(0) && t[1].contains(0)) return "0 / 0";
      return overflows(t[0]) && overflows(t[1]) ? "inf / inf" : "";
    case ScalarKind::Multiply:
      return (t[0].contains(0) && overflows(t[1])) || (t[1].contains(0) && overflows(t[0])) ? "0 * inf" : "";
    case ScalarKind::Add:
      return (t[0].high > largest_ && t[1].low < -largest_) || (t[0].low < -largest_ && t[1].high > largest_)
                 ? "inf - inf"
                 : "";
    case ScalarKind::Subtract:
      return (t[0].high > largest_ && t[1].high > largest_) || (t[0].low < -largest_ && t[1].low < -largest_)
                 ? "inf - inf"
                 : "";
    case ScalarKind::Sin:
    case ScalarKind::Cos: return overflows(t[0]) ? "a wave at infinity" : "";
    default: return "";
  }
}

void MeetingTerms::add(const Interval& term, double times) {
  terms_ += times;
  if (term.high > 0) above_ += term.high * times;
  if (term.low < 0) below_ += term.low * times;
  size_ *= std::pow(std::max(term.magnitude(), 1.0), times);
  zero_ = zero_ || term.contains(0);
}

std::string MeetingTerms::reason() const {
  if (terms_ <= 1) return "";
  if (combine_ == Combine::Sum && above_ > largest_ && below_ < -largest_)
    return "infinities of both signs can meet in a sum";
  if (combine_ == Combine::Product && size_ > largest_ && zero_) return "0 can meet infinity in a product";
  return "";
}

}  // namespace crease
